"""`sais demo`: the stack, an origin of photographs and a client application, together on this machine."""

from sais.demo.run import run_demo

__all__ = ["run_demo"]
