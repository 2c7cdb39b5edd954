using System.Collections.Concurrent;
using DistFS.Client.Cluster;
using DistFS.Client.Tests.Leases;
using DistFS.Protocol;

namespace DistFS.Client.Tests.Cluster;

/// <summary>Numbers of requests, before a leader that answers what the test says (docs/design/client.md).</summary>
public sealed class ClientSessionTests
{
    private const ulong Busy = 77;

    private readonly ConcurrentQueue<ulong> _numbersOfBusy = [];
    private volatile bool _isFree;

    /// <summary>
    /// One change waits for a lease of others, who wait for changes of this client: more than the session has numbers.
    /// </summary>
    [Fact]
    public async Task What_waits_for_others_keeps_no_number()
    {
        await using var leader = new ScriptedLeader { OnMutate = Answer };
        await using var channel = new MetadataChannel(leader.Options);
        await using var session = await ClientSession.OpenAsync(channel, leader.Options, usesLeases: true, default);
        var waiting = session.MutateAsync(Cut(Busy), default);
        await Eventually.True(() => !_numbersOfBusy.IsEmpty);
        for (var i = 0; i < 30; i++)
        {
            await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => session.MutateAsync(Cut(1), default))).Soon();
        }

        Assert.False(waiting.IsCompleted);
        _isFree = true;
        Assert.Equal(0, Assert.Single(await waiting.Soon()).Status);
        Assert.Equal(_numbersOfBusy.Count, _numbersOfBusy.Distinct().Count());
    }

    /// <summary>No answer came to the first attempt, which may be executed yet: under its number it is once.</summary>
    [Fact]
    public async Task What_may_have_been_executed_keeps_its_number()
    {
        await using var leader = new ScriptedLeader();
        leader.OnMutate = async (call, cancellation) =>
        {
            if (_numbersOfBusy.IsEmpty)
            {
                _numbersOfBusy.Enqueue(call.Sequence);
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
            }

            return await Answer(call, cancellation);
        };
        await using var channel = new MetadataChannel(leader.Options);
        await using var session = await ClientSession.OpenAsync(channel, leader.Options, usesLeases: true, default);
        var waiting = session.MutateAsync(Cut(Busy), default);
        await Eventually.True(() => !_numbersOfBusy.IsEmpty);
        await leader.BreakAsync();
        await Eventually.True(() => _numbersOfBusy.Count > 3);
        _isFree = true;
        await waiting.Soon();
        Assert.Single(_numbersOfBusy.Distinct());
    }

    private static MutateRequest Cut(ulong inode)
    {
        var request = new MutateRequest();
        request.Operations.Add(new Operation { SetSize = new SetSizeRequest { Inode = inode } });
        return request;
    }

    private Task<MetadataReply> Answer(MutateCall call, CancellationToken cancellation)
    {
        if (MutateRequest.Parser.ParseFrom(call.Request).Operations[0].SetSize.Inode != Busy)
        {
            return Task.FromResult(ScriptedLeader.Done());
        }

        _numbersOfBusy.Enqueue(call.Sequence);
        return Task.FromResult(_isFree ? ScriptedLeader.Done() : ScriptedLeader.Refused(ErrorCatalog.LeaseHeld));
    }
}
