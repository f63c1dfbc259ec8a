"""Time against certified gap: ``python -m benchmarks.speed`` runs rdcfunc and its peers on the same problems.

Every solve has a process of its own, one at a time and on one thread, which a limit ends. CPU time is that of the
process, memory the growth of its peak. Gaps are recomputed outside the timing by ``rdc.certify`` from the channel and
the prices returned, the same way for everyone. Timings of rdcfunc include its own certificate, and its bracket counts
too: it is all there is where the channel is too large to form, and for tagged and universal rates, which nothing else
computes, and it is narrower beyond the letters for which ``rdc.certify`` looks for the best reference law.
"""
