"""The plugin of trial that records outcomes; it belongs into the folder `twisted/plugins` of an installed Twisted."""

from twisted.plugin import IPlugin
from twisted.trial import reporter
from twisted.trial.itrial import IReporter
from zope.interface import implementer

from suites_outcomes import Record, recording


def outcomes_reporter(*arguments, **named):
    """What trial takes for the reporter's class. The record is opened only when it is chosen."""
    return recording(reporter.VerboseTextReporter, Record())(*arguments, **named)


@implementer(IPlugin, IReporter)
class Plugin:
    """Says what trial wants to know of a reporter before it is made."""

    name = "Outcomes"
    module = __name__
    description = "the verbose reporter, which also records the outcomes"
    longOpt = "outcomes"
    shortOpt = None
    klass = "outcomes_reporter"


plugin = Plugin()
