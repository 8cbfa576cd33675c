"""Question in, cited answer out: tools that only read or propose, two answerers, one grounding check."""

from lineside.agent.answer import Answer, Answerer, AnswerEvent, Citation, Claim, ClaimFound, Done, Question, Step, Turn

__all__ = [
    "Answer",
    "AnswerEvent",
    "Answerer",
    "Citation",
    "Claim",
    "ClaimFound",
    "Done",
    "Question",
    "Step",
    "Turn",
]
