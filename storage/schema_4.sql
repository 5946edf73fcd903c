-- Step 4: data-parallel ranks of a replica step together; what that costs a request. 0 in rows of earlier steps.
ALTER TABLE request ADD COLUMN blame_other_ranks_ns INTEGER NOT NULL DEFAULT 0;  -- its rank was idle during a step of the others
ALTER TABLE request ADD COLUMN blame_slower_rank_ns INTEGER NOT NULL DEFAULT 0;  -- another rank had more to do in its steps

ALTER TABLE window ADD COLUMN blame_other_ranks_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_slower_rank_ns INTEGER NOT NULL DEFAULT 0;
