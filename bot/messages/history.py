"""Sentences about the history of a conversation: `/history`."""

from datetime import datetime

from bot.messages.message import Message, Value


def turns(count: int) -> Message:
    return Message("history.turns", {"count": count})


def nothing_stored() -> Message:
    return Message("history.nothing_stored")


def page_empty() -> Message:
    return Message("history.page_empty")


def page_heading(first: int, last: int, total: int) -> Message:
    return Message("history.page_heading", {"first": first, "last": last, "total": total})


def page_entry(author: str, asked_at: datetime, question: str, answer: str) -> Message:
    values: dict[str, Value] = {"author": author, "asked_at": asked_at, "question": question, "answer": answer}
    return Message("history.page_entry", values)


def page_entry_with_link(author: str, asked_at: datetime, link: str, question: str, answer: str) -> Message:
    values: dict[str, Value] = {
        "author": author,
        "asked_at": asked_at,
        "link": link,
        "question": question,
        "answer": answer,
    }
    return Message("history.page_entry_with_link", values)


def page_entry_private(author: str, asked_at: datetime, question: str, answer: str) -> Message:
    values: dict[str, Value] = {"author": author, "asked_at": asked_at, "question": question, "answer": answer}
    return Message("history.page_entry_private", values)


def newer_button() -> Message:
    return Message("history.newer_button")


def older_button() -> Message:
    return Message("history.older_button")


def exported(count: int, total: int) -> Message:
    if count == total:
        return Message("history.exported", {"turns": turns(count)})
    return Message("history.exported_newest", {"turns": turns(count), "total": total})


def nothing_to_clear() -> Message:
    return Message("history.nothing_to_clear")


def clear_confirmation(count: int) -> Message:
    return Message("history.clear_confirmation", {"turns": turns(count)})


def clear_button() -> Message:
    return Message("history.clear_button")


def cleared(count: int) -> Message:
    return Message("history.cleared", {"turns": turns(count)})
