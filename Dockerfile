FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app

COPY requirements.txt ./
RUN pip install --no-cache-dir --require-hashes -r requirements.txt

# The bot keeps its database in /app/data and writes nowhere else.
RUN useradd --system --uid 10001 --no-create-home bot && install -d -o bot -g bot data
COPY bot/ bot/
COPY cogs/ cogs/
USER bot
VOLUME /app/data

# SIGTERM lets running answers finish (SHUTDOWN_GRACE_SECONDS) before the bot leaves.
STOPSIGNAL SIGTERM
ENTRYPOINT ["python", "-m", "bot"]
