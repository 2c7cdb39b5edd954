using DistFS.Metaserver.Consensus;

namespace DistFS.Metaserver.Tests.Consensus;

/// <summary>What a caller is told when its place in the log is passed.</summary>
public sealed class ProposalTableTests
{
    private readonly PendingCalls<ProposalOutcome> _calls = new(10);
    private readonly ProposalTable _table = new();

    [Fact]
    public async Task OnlyTheOwnIndexTellsThatAnotherTookThePlace()
    {
        // 4 and 5 were brought by a snapshot that is not told of: they may be in it.
        var tasks = new[] { Add(4), Add(5), Add(6), Add(7) };
        var ended = EndedCalls.Rent();
        Assert.Equal(0, _table.Applied(new EntryId(new Term(2), new LogIndex(6)), default, ended));
        Assert.Equal(1, _table.Applied(new EntryId(new Term(1), new LogIndex(7)), new byte[] { 9 }, ended));
        ended.Execute();
        var outcomes = await Task.WhenAll(tasks).Soon();
        Assert.Equal(
            [CallStatus.Unknown, CallStatus.Unknown, CallStatus.Replaced, CallStatus.Done],
            outcomes.Select(outcome => outcome.Status));
        Assert.Equal(0, _table.Count);
    }

    [Fact]
    public void WhatNobodyWaitsForIsForgotten()
    {
        for (ulong index = 1; index <= 10; index++)
        {
            _ = Add(index);
        }

        _table.ForgetEnded();
        Assert.Equal(10, _table.Count);
        _calls.Expire(long.MaxValue, new ProposalOutcome(CallStatus.Unknown));
        _table.ForgetEnded();
        Assert.Equal(0, _table.Count);
    }

    private Task<ProposalOutcome> Add(ulong index)
    {
        var call = _calls.TryBegin(1, 100)!;
        _table.Add(new EntryId(new Term(1), new LogIndex(index)), call, call.Lease);
        return call.AsTask(default).AsTask();
    }
}
