-- Step 2: whole memory plans, and what each replica holds over time.

ALTER TABLE pool ADD COLUMN host_blocks   INTEGER NOT NULL DEFAULT 0;  -- KV blocks of the host tier
ALTER TABLE pool ADD COLUMN stage         INTEGER NOT NULL DEFAULT 0;  -- pipeline stage that the plan is of
ALTER TABLE pool ADD COLUMN missing_bytes INTEGER NOT NULL DEFAULT 0;  -- to the first KV block, if it is pinned and does not fit

-- 1: beside the budget, in the share that memory_fraction leaves free (CUDA context, graphs)
ALTER TABLE memory_plan ADD COLUMN beside_budget INTEGER NOT NULL DEFAULT 0;
-- physics: from the model's shapes; habit: what the engine allocates, by its source; assumption: of a similar machine
ALTER TABLE memory_plan ADD COLUMN basis TEXT NOT NULL DEFAULT 'physics'
    CHECK (basis IN ('physics', 'habit', 'assumption'));
-- Plans of step 1 had these bases by name.
UPDATE memory_plan SET basis = 'habit' WHERE item NOT LIKE 'weights: %' OR item = 'weights: absorbed kv_b';
UPDATE memory_plan SET basis = 'assumption' WHERE item IN ('runtime', 'NCCL buffers');

ALTER TABLE pool_window ADD COLUMN kv_blocks_cached INTEGER NOT NULL DEFAULT 0;  -- only the prefix cache keeps them

-- What a replica holds at a window's end (a rank, with data-parallel attention): one row where it changed, so the latest
-- row at or before a window is what it held then. All replicas have one in a run's first window.
CREATE TABLE replica_window (
    run_id           INTEGER NOT NULL,
    start_ns         INTEGER NOT NULL,           -- of the window
    replica          INTEGER NOT NULL,           -- over all pools, from 0
    pool             INTEGER NOT NULL,
    kv_blocks_used   INTEGER NOT NULL,
    kv_blocks_cached INTEGER NOT NULL,
    workspace_bytes  INTEGER NOT NULL,           -- most that an attention plan has needed so far; FlashInfer only
    PRIMARY KEY (run_id, start_ns, replica)
) STRICT, WITHOUT ROWID;

-- The same in bytes of one GPU, with what stays the same: weights, and everything else that the plan reserves.
CREATE VIEW replica_memory AS
SELECT run_id, pool.name AS pool, replica, start_ns,
       (SELECT sum(bytes) FROM memory_plan AS m
        WHERE m.run_id = r.run_id AND m.pool = r.pool AND beside_budget = 0 AND item LIKE 'weights: %') AS weights_bytes,
       (SELECT sum(bytes) FROM memory_plan AS m
        WHERE m.run_id = r.run_id AND m.pool = r.pool AND beside_budget = 0 AND item NOT LIKE 'weights: %') AS other_bytes,
       r.kv_blocks_used * kv_bytes_per_block   AS kv_used_bytes,
       r.kv_blocks_cached * kv_bytes_per_block AS kv_cached_bytes,
       (pool.blocks - r.kv_blocks_used - r.kv_blocks_cached) * kv_bytes_per_block AS kv_free_bytes,
       workspace_bytes
FROM replica_window AS r JOIN pool USING (run_id, pool);
