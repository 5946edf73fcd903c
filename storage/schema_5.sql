-- Step 5: schedulers that decide a step ahead. 0 in rows of earlier steps.
ALTER TABLE request ADD COLUMN blame_decided_ahead_ns INTEGER NOT NULL DEFAULT 0;  -- its scheduler had not seen it yet
ALTER TABLE window ADD COLUMN blame_decided_ahead_ns INTEGER NOT NULL DEFAULT 0;
