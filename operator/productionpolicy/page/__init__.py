"""Pages of HTML for people: one file each, without scripts, fonts or images, and safe for text of any origin."""

from productionpolicy.page.document import document
from productionpolicy.page.markup import Element, Node, tag

__all__ = ["Element", "Node", "document", "tag"]
