-- What: turns (a question and its answer in one row) and the Discord messages they were shown in.
-- Why: a follow-up carries the earlier turns to the model, also after a restart.

-- AUTOINCREMENT: the ids' order is the order in which turns settled, and no id is ever given twice.
CREATE TABLE turns (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    parent_id INTEGER REFERENCES turns (id) ON DELETE SET NULL,
    channel_id INTEGER NOT NULL,
    guild_id INTEGER,
    author_id INTEGER NOT NULL,
    author_name TEXT NOT NULL,
    private INTEGER NOT NULL CHECK (private IN (0, 1)),
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    finish TEXT NOT NULL,
    model TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    answer_tokens INTEGER NOT NULL,
    tokens_estimated INTEGER NOT NULL CHECK (tokens_estimated IN (0, 1)),
    created_at_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX turns_public ON turns (channel_id, id) WHERE private = 0;
CREATE INDEX turns_private ON turns (channel_id, author_id, id) WHERE private = 1;
CREATE INDEX turns_parent ON turns (parent_id);

-- Position 0 is the message that asked, where there was one; 1 and up are the answer's, in reading order.
-- A message may show more than one turn (an answer given anew in its place).
CREATE TABLE turn_messages (
    turn_id INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (turn_id, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX turn_messages_message ON turn_messages (message_id);
