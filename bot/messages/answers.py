"""Sentences in and below answers, in place of them while they wait, and about the files that come with questions."""

from bot.messages.message import Message


def thinking() -> Message:
    return Message("answers.thinking")


def progress_marker() -> Message:
    return Message("answers.progress_marker")


def continues_in_file() -> Message:
    return Message("answers.continues_in_file")


def whole_in_file() -> Message:
    return Message("answers.whole_in_file")


def may_not_attach_rest() -> Message:
    return Message("answers.may_not_attach_rest")


def next_in_queue() -> Message:
    return Message("answers.next_in_queue")


def position_in_queue(before: int) -> Message:
    return Message("answers.position_in_queue", {"before": before})


def stop_button() -> Message:
    return Message("answers.stop_button")


def regenerate_button() -> Message:
    return Message("answers.regenerate_button")


def continue_button() -> Message:
    return Message("answers.continue_button")


def read_button() -> Message:
    return Message("answers.read_button")


def delete_button() -> Message:
    return Message("answers.delete_button")


def interrupted() -> Message:
    return Message("answers.interrupted")


def interrupted_before_text() -> Message:
    return Message("answers.interrupted_before_text")


def cut() -> Message:
    return Message("answers.cut")


def length_limit_reached() -> Message:
    return Message("answers.length_limit_reached")


def filtered() -> Message:
    return Message("answers.filtered")


def store_failed() -> Message:
    return Message("answers.store_failed")


def stopped() -> Message:
    return Message("answers.stopped")


def stopped_before_text() -> Message:
    return Message("answers.stopped_before_text")


def out_of_time(minutes: int) -> Message:
    return Message("answers.out_of_time", {"minutes": minutes, "button": continue_button()})


def out_of_time_before_text(minutes: int) -> Message:
    return Message("answers.out_of_time_before_text", {"minutes": minutes})


def deleted_before_text() -> Message:
    return Message("answers.deleted_before_text")


def already_ended() -> Message:
    return Message("answers.already_ended")


def some_messages_left() -> Message:
    return Message("answers.some_messages_left")


def regenerate_inputs_unavailable() -> Message:
    return Message("answers.regenerate_inputs_unavailable")


def no_history_fits() -> Message:
    return Message("answers.no_history_fits")


def only_newest_history_fits(count: int) -> Message:
    return Message("answers.only_newest_history_fits", {"count": count})


def model_reads_no_history(total: int) -> Message:
    return Message("answers.model_reads_no_history", {"total": total})


def model_reads_less_history(dropped: int, total: int) -> Message:
    return Message("answers.model_reads_less_history", {"dropped": dropped, "total": total})


def empty_prompt() -> Message:
    return Message("answers.empty_prompt")


def empty_message(ask_command: str) -> Message:
    return Message("answers.empty_message", {"ask_command": ask_command})


def unseen_reply(mention: str, ask_command: str) -> Message:
    return Message("answers.unseen_reply", {"mention": mention, "ask_command": ask_command})


def private_is_not_spoken() -> Message:
    return Message("answers.private_is_not_spoken")


def unreadable_type(name: str) -> Message:
    return Message("answers.unreadable_type", {"name": name})


def image_too_large(name: str, megabytes: int, megapixels: int) -> Message:
    return Message("answers.image_too_large", {"name": name, "megabytes": megabytes, "megapixels": megapixels})


def text_too_large(name: str, kilobytes: int) -> Message:
    return Message("answers.text_too_large", {"name": name, "kilobytes": kilobytes})


def too_many_images(most: int) -> Message:
    return Message("answers.too_many_images", {"most": most})


def too_much_text(kilobytes: int) -> Message:
    return Message("answers.too_much_text", {"kilobytes": kilobytes})


def download_failed() -> Message:
    return Message("answers.download_failed")


def file_too_large(megabytes: float) -> Message:
    return Message("answers.file_too_large", {"megabytes": megabytes})


def file_download_failed() -> Message:
    return Message("answers.file_download_failed")


def ask_form_title() -> Message:
    return Message("answers.ask_form_title")


def ask_question_label() -> Message:
    return Message("answers.ask_question_label")


def ask_visibility_label() -> Message:
    return Message("answers.ask_visibility_label")


def visible_to_everyone() -> Message:
    return Message("answers.visible_to_everyone")


def visible_to_me() -> Message:
    return Message("answers.visible_to_me")


def nothing_to_read() -> Message:
    return Message("answers.nothing_to_read")


def message_not_remembered(menu: str) -> Message:
    return Message("answers.message_not_remembered", {"menu": menu})
