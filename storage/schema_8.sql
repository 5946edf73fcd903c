-- Step 8: streams whose runs do not keep a row of every request. Windows cover every request in any case.
ALTER TABLE stream ADD COLUMN request_rows TEXT NOT NULL DEFAULT 'all';  -- all, none, objective_breaks, sampled:SHARE
ALTER TABLE run ADD COLUMN request_rows_left_out INTEGER NOT NULL DEFAULT 0;  -- ended requests without a row; 0 while running
