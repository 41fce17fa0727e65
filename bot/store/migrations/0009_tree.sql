-- What: which turns are branches or an answer given anew, and what went along with a question that isn't kept.
-- Why: a reply goes on from the answer it is to, and leaves alone what else was said meanwhile.

-- branch: asked in reply to the turn before it (parent_id), of whose path it is the end. Any other turn was asked in its
-- line: it knows all that was said there before it, and parent_id is the newest of that.
ALTER TABLE turns ADD COLUMN branch INTEGER NOT NULL DEFAULT 0 CHECK (branch IN (0, 1));

-- instead_of: the turn whose question was asked again, which no longer stands in its line.
ALTER TABLE turns ADD COLUMN instead_of INTEGER REFERENCES turns (id) ON DELETE SET NULL;

-- files: the names of the files that came with the question, one a line. about: the id of the message it was about.
ALTER TABLE turns ADD COLUMN files TEXT NOT NULL DEFAULT '';
ALTER TABLE turns ADD COLUMN about INTEGER;

CREATE INDEX turns_instead_of ON turns (instead_of) WHERE instead_of IS NOT NULL;
