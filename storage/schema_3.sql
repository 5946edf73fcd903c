-- Step 3: what each waiting part of the ledger and the interference were for; prompt tokens found in caches.

-- Waiting for a step (prefill_queue, chunk_wait, decode_queue, preemption_stall), for KV to move (transfer_wait), and who
-- else was in its steps (batch_interference): the causes add up to those parts exactly. 0 in rows of step 2.
ALTER TABLE request ADD COLUMN blame_step_in_flight_ns INTEGER NOT NULL DEFAULT 0;  -- the step under way began before it came
ALTER TABLE request ADD COLUMN blame_token_budget_ns INTEGER NOT NULL DEFAULT 0;  -- the step's tokens went to requests before it
ALTER TABLE request ADD COLUMN blame_sequence_limit_ns INTEGER NOT NULL DEFAULT 0;  -- as many as may run were running
ALTER TABLE request ADD COLUMN blame_kv_blocks_ns INTEGER NOT NULL DEFAULT 0;  -- its KV blocks were held by others
ALTER TABLE request ADD COLUMN blame_batch_rule_ns INTEGER NOT NULL DEFAULT 0;  -- a rule of the batch policy
ALTER TABLE request ADD COLUMN blame_destination_kv_ns INTEGER NOT NULL DEFAULT 0;  -- no decode replica had the KV blocks
ALTER TABLE request ADD COLUMN blame_destination_sequences_ns INTEGER NOT NULL DEFAULT 0;  -- decode replicas ran as many as they may
ALTER TABLE request ADD COLUMN blame_link_ns INTEGER NOT NULL DEFAULT 0;  -- other KV caches on the link
ALTER TABLE request ADD COLUMN blame_other_prefill_ns INTEGER NOT NULL DEFAULT 0;  -- prompt tokens of others in its steps
ALTER TABLE request ADD COLUMN blame_other_decodes_ns INTEGER NOT NULL DEFAULT 0;  -- decodes of others in its steps
ALTER TABLE request ADD COLUMN blame_pipeline_ns INTEGER NOT NULL DEFAULT 0;  -- other batches and members, with pipeline parallelism

ALTER TABLE window ADD COLUMN blame_step_in_flight_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_token_budget_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_sequence_limit_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_kv_blocks_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_batch_rule_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_destination_kv_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_destination_sequences_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_link_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_other_prefill_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_other_decodes_ns INTEGER NOT NULL DEFAULT 0;
ALTER TABLE window ADD COLUMN blame_pipeline_ns INTEGER NOT NULL DEFAULT 0;

ALTER TABLE window ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;  -- prompt tokens found in a prefix cache
