"""What a tool may return when plain text is not enough: text, images and files as the model sees them.

Return one of these, or a list of them. The dict forms mean the same and need no import at run time.
"""

from __future__ import annotations

from typing import Literal, NotRequired

from pydantic import BaseModel, model_validator
from typing_extensions import TypedDict


class ToolOutputText(BaseModel):
    """Text for the model."""

    type: Literal["text"] = "text"
    text: str


class ToolOutputTextDict(TypedDict, total=False):
    """`ToolOutputText` as a dict."""

    type: Literal["text"]
    text: str


class ToolOutputImage(BaseModel):
    """An image for the model, by address or by uploaded file.

    Raises:
        pydantic.ValidationError: neither `image_url` nor `file_id` is given.
    """

    type: Literal["image"] = "image"
    image_url: str | None = None
    """Where the image is: an https or data URL."""

    file_id: str | None = None
    """The id of an uploaded file."""

    detail: Literal["low", "high", "auto"] | None = None
    """How closely the model looks."""

    @model_validator(mode="after")
    def check_at_least_one_required_field(self) -> ToolOutputImage:
        """Refuse an image that is nowhere."""
        if self.image_url is None and self.file_id is None:
            raise ValueError("At least one of image_url or file_id must be provided")
        return self


class ToolOutputImageDict(TypedDict, total=False):
    """`ToolOutputImage` as a dict."""

    type: Literal["image"]
    image_url: NotRequired[str]
    file_id: NotRequired[str]
    detail: NotRequired[Literal["low", "high", "auto"]]


class ToolOutputFileContent(BaseModel):
    """A file for the model: its content, its address, or the id of an uploaded file.

    Raises:
        pydantic.ValidationError: none of `file_data`, `file_url`, `file_id` is given.
    """

    type: Literal["file"] = "file"
    file_data: str | None = None
    """The content, base64-encoded."""

    file_url: str | None = None
    """Where the file is."""

    file_id: str | None = None
    """The id of an uploaded file."""

    filename: str | None = None
    """What the model is told the file is called."""

    @model_validator(mode="after")
    def check_at_least_one_required_field(self) -> ToolOutputFileContent:
        """Refuse a file that is nowhere."""
        if self.file_data is None and self.file_url is None and self.file_id is None:
            raise ValueError("At least one of file_data, file_url, or file_id must be provided")
        return self


class ToolOutputFileContentDict(TypedDict, total=False):
    """`ToolOutputFileContent` as a dict."""

    type: Literal["file"]
    file_data: NotRequired[str]
    file_url: NotRequired[str]
    file_id: NotRequired[str]
    filename: NotRequired[str]
