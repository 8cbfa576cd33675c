"""A chat model behind any OpenAI-compatible endpoint, whatever its dialect. Imports LangChain: load it lazily.

Servers differ in streamed tool calls: some leave out the index, send all arguments at once or as an object, give no id,
or don't stream at all. Here a reply comes out whole and well formed, or as one of our errors with a reason of ours:
the server's own words, which might be anything, are never repeated.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models.chat_models import generate_from_stream
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_openai import ChatOpenAI
from pydantic import PrivateAttr, SecretStr

from lineside.agent.model_profile import ModelProfile
from lineside.errors import ModelReplyInvalid, ModelUnavailable

# What parsing a foreign reply may run into inside the client, beside its own errors.
_GARBAGE = (ValueError, TypeError, KeyError, IndexError, AttributeError)
_CHARS_PER_TOKEN = 12  # generous: a reply far above what was allowed is a fault, not a long answer


class Endpoint(ChatOpenAI):
    """The model of one question: it belongs to the loop it was made in, and its replies come one after the other."""

    longest_s: float = 60.0
    longest_chars: int = 24_000
    _calls: list[str] = PrivateAttr(default_factory=list)
    _plain: bool = PrivateAttr(default=False)
    tokens_used: int = 0

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        try:
            async with asyncio.timeout(self.longest_s):
                result = await self._reply(messages, stop, run_manager, **kwargs)
        except TimeoutError as error:
            raise ModelUnavailable(f"it took longer than {self.longest_s:g} s") from error
        except openai.APIError as error:
            raise ModelUnavailable(_told(error)) from error
        except (httpx2.HTTPError, openai.OpenAIError) as error:
            raise ModelUnavailable("the connection broke off") from error
        except _GARBAGE as error:
            raise ModelReplyInvalid("its reply could not be read") from error
        if not result.generations or not isinstance(message := result.generations[0].message, AIMessage):
            raise ModelReplyInvalid("its reply was empty")
        if message.usage_metadata:
            self.tokens_used += message.usage_metadata["total_tokens"]
        result.generations[0].message = mended(message)
        return result

    async def _reply(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None,
        run_manager: AsyncCallbackManagerForLLMRun | None,
        **kwargs: Any,
    ) -> ChatResult:
        if not self._plain:
            self._calls.clear()
            chunks, size = [], 0
            async for chunk in self._astream(messages, stop, run_manager, **kwargs):
                size += _size(chunk)
                if size > self.longest_chars:
                    raise ModelReplyInvalid("its reply went on beyond all limits")
                chunks.append(chunk)
            if chunks:
                return generate_from_stream(iter(chunks))
            self._plain = True  # nothing came as a stream: the server can't, or won't
        return await super()._agenerate(messages, stop, run_manager, **kwargs)

    def _convert_chunk_to_generation_chunk(
        self, chunk: dict[str, Any], default_chunk_class: type, base_generation_info: dict[str, Any] | None
    ) -> ChatGenerationChunk | None:
        for choice in chunk.get("choices") or []:
            for call in (choice.get("delta") or {}).get("tool_calls") or []:
                self._mend(call)
        chunk["choices"] = [choice for choice in chunk.get("choices") or [] if choice.get("delta") is not None]
        return super()._convert_chunk_to_generation_chunk(chunk, default_chunk_class, base_generation_info)

    def _mend(self, call: dict[str, Any]) -> None:
        """A streamed piece of a tool call has an index, and text as arguments."""
        function = call.get("function") or {}
        call["function"] = function
        arguments = function.get("arguments")
        if arguments is not None and not isinstance(arguments, str):
            function["arguments"] = json.dumps(arguments)
        if call.get("index") is None:
            if function.get("name") and (not call.get("id") or call["id"] not in self._calls):
                self._calls.append(call.get("id") or uuid4().hex)
            call["index"] = max(0, len(self._calls) - 1)

    def _get_request_payload(self, input_: Any, *, stop: list[str] | None = None, **kwargs: Any) -> dict[str, Any]:
        payload: dict[str, Any] = super()._get_request_payload(input_, stop=stop, **kwargs)
        host = urlsplit(self.openai_api_base or "").hostname or ""
        if not host.endswith(("openai.com", "azure.com")) and "max_completion_tokens" in payload:
            payload["max_tokens"] = payload.pop("max_completion_tokens")  # the one name that the others know
        return payload


@asynccontextmanager
async def opened(profile: ModelProfile) -> AsyncIterator[Endpoint]:
    """A model for one question, its connections closed in the end."""
    async with httpx2.AsyncClient(timeout=profile.timeout_s, follow_redirects=False) as client:
        yield Endpoint(
            base_url=profile.base_url,
            model=profile.name or "default",
            api_key=SecretStr(profile.api_key or "none"),
            timeout=profile.timeout_s,
            max_retries=profile.retries,
            max_completion_tokens=profile.max_tokens,
            disable_streaming=True,  # LangChain's own streaming; ours is inside a reply
            stream_chunk_timeout=None,
            use_responses_api=False,
            stream_usage=True,
            http_async_client=client,
            longest_s=profile.timeout_s,
            longest_chars=profile.max_tokens * _CHARS_PER_TOKEN,
        )


def mended(message: AIMessage) -> AIMessage:
    """The message with an id for each tool call; arguments that are no JSON go to the tool, which refuses them."""
    seen: set[str] = set()
    calls = [*message.tool_calls]
    for bad in message.invalid_tool_calls:
        arguments = {"unreadable": str(bad.get("args"))[:200]}
        calls.append({"name": bad.get("name") or "", "args": arguments, "id": bad.get("id"), "type": "tool_call"})
    for call in calls:
        known = call["id"]
        if not known or known in seen:
            call["id"] = known = f"call_{uuid4().hex}"
        seen.add(known)
    return AIMessage(content=message.text, tool_calls=calls, usage_metadata=message.usage_metadata)


def _size(chunk: ChatGenerationChunk) -> int:
    pieces = getattr(chunk.message, "tool_call_chunks", [])
    return len(chunk.text) + sum(len(piece.get("args") or "") for piece in pieces)


def _told(error: openai.APIError) -> str:
    match error:
        case openai.APITimeoutError():
            return "it did not answer in time"
        case openai.APIConnectionError():
            return "it could not be reached, or broke off"
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return f"it refused our key ({error.status_code})"
        case openai.NotFoundError():
            return "it knows no such address or model (404)"
        case openai.RateLimitError():
            return "it is overloaded, or its quota is used up (429)"
        case openai.APIStatusError():
            return f"it answered with an error ({error.status_code})"
    return "it broke off with an error"
