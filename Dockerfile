FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

COPY bot/ bot/
COPY cogs/ cogs/
# Compiled once here: nothing but the volume can be written later.
RUN python -m compileall -q bot cogs
# The bot keeps its database in /app/data and writes nowhere else. A new volume gets the folder's owner.
RUN install -d -m 0700 -o 10001 -g 10001 data
USER 10001:10001
VOLUME /app/data

# Unhealthy: dead, standing still, or without a connection to Discord.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "bot", "health"]
# SIGTERM lets running answers finish (SHUTDOWN_GRACE_SECONDS) before the bot leaves.
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
