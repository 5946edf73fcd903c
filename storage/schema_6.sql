-- Step 6: replicas that come and go. 0 in rows of earlier steps.
ALTER TABLE request ADD COLUMN blame_replica_starting_ns INTEGER NOT NULL DEFAULT 0;  -- too few replicas, while one was starting
ALTER TABLE request ADD COLUMN blame_destination_starting_ns INTEGER NOT NULL DEFAULT 0;  -- likewise a decode replica
ALTER TABLE window ADD COLUMN blame_destination_starting_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_replica_starting_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run ADD COLUMN gpu_ns INTEGER NOT NULL DEFAULT 0;            -- GPUs paid for x time, from the first arrival on
ALTER TABLE run ADD COLUMN replicas_started INTEGER NOT NULL DEFAULT 0;  -- by autoscaling
ALTER TABLE run ADD COLUMN replicas_stopped INTEGER NOT NULL DEFAULT 0;  -- likewise, after they were drained
