using DistFS.Chunkserver.Data;

namespace DistFS.Chunkserver.Tests.Data;

/// <summary>The rules of a chain at one member (docs/design/chain.md).</summary>
public sealed class ChunkReplicaTests
{
    private static readonly ClientId Writer = new(7);
    private static readonly ChainFailure Lost =
        new(new ServerId(3), ErrorCatalog.ConnectionLost, "The server behind is gone.");

    private readonly ChunkReplica _replica = new(new ChunkVersion(2), []);

    [Fact]
    public void WritesAreTakenInTheirOrderOnly()
    {
        Assert.Equal(WriteVerdict.Wait, Admit(2));
        Assert.Equal(WriteVerdict.Take, Admit(1));
        Assert.Equal(WriteVerdict.Wait, Admit(3));
        Assert.Equal(WriteVerdict.Take, Admit(2));
        Assert.Equal(2UL, _replica.Taken);
    }

    [Fact]
    public void ARepeatedWriteIsNotTakenAgain()
    {
        Admit(1);
        Assert.Equal(WriteVerdict.Repeated, Admit(1));
        Assert.Equal(1UL, _replica.Taken);
    }

    [Fact]
    public void NoWriteHasTheNumberZero()
    {
        Assert.Equal(WriteVerdict.Broken, Admit(0));
        Admit(1);
        Assert.Equal(WriteVerdict.Broken, Admit(0));
    }

    [Fact]
    public void AVersionHasOneWriter()
    {
        Admit(1);
        Assert.Equal(WriteVerdict.Broken, _replica.Admit(new ClientId(8), 2, [new BlockIndex(0)]));
        Assert.Equal(WriteVerdict.Broken, _replica.Admit(new ClientId(8), 1, [new BlockIndex(0)]));
        Assert.Equal(WriteVerdict.Take, Admit(2));
    }

    [Fact]
    public void WhoWaitsOnlyHasNotTheVersionYet()
    {
        Assert.Equal(WriteVerdict.Wait, _replica.Admit(new ClientId(8), 2, []));
        Assert.Equal(WriteVerdict.Take, Admit(1));
    }

    [Fact]
    public void AWriteFarAheadIsRefused()
    {
        Assert.Equal(WriteVerdict.Wait, Admit(ChunkReplica.AheadMax));
        Assert.Equal(WriteVerdict.Broken, Admit(ChunkReplica.AheadMax + 1));
    }

    [Fact]
    public void ABlockIsDirtyUntilItIsStoredHereAndBehind()
    {
        Admit(1, 4);
        Assert.True(IsDirty(4));
        Assert.False(IsDirty(5));
        _replica.HasStored(1);
        Assert.True(IsDirty(4));
        _replica.HasBehind(1);
        Assert.False(IsDirty(4));
        Assert.True(_replica.IsQuiet);
    }

    [Fact]
    public void WhatWasStoredBehindOnlyIsDirty()
    {
        Admit(1, 4);
        _replica.HasBehind(1);
        Assert.True(IsDirty(4));
        Assert.Equal(0UL, _replica.Committed);
    }

    [Fact]
    public void ABlockThatIsWrittenAgainIsDirtyUntilTheLastIsCommitted()
    {
        Admit(1, 4);
        Admit(2, 4);
        Admit(3, 5);
        Commit(1);
        Assert.True(IsDirty(4));
        Commit(2);
        Assert.False(IsDirty(4));
        Assert.True(IsDirty(5));
    }

    [Fact]
    public void AReplyFromBehindSpeaksForAllBefore()
    {
        Admit(1, 4);
        Admit(2, 5);
        _replica.HasStored(2);
        _replica.HasBehind(2);
        _replica.HasBehind(1);
        Assert.Equal(2UL, _replica.Committed);
        Assert.False(IsDirty(4) || IsDirty(5));
    }

    [Fact]
    public void ABrokenChainTakesNothingAndKeepsWhatWasCommitted()
    {
        Admit(1, 4);
        Admit(2, 5);
        Commit(1);
        _replica.Break(Lost);
        _replica.Break(Lost with { Server = new ServerId(9) });
        Assert.Equal(Lost, _replica.Failure);
        Assert.Equal(WriteVerdict.Repeated, Admit(1));
        Assert.Equal(WriteVerdict.Broken, Admit(2));
        Assert.Equal(WriteVerdict.Broken, Admit(3));
        Assert.True(IsDirty(5));
        Assert.False(IsDirty(4));
    }

    [Fact]
    public void WhatWasDirtyIsCarriedWithinTheLengthOfTheNextVersion()
    {
        Admit(1, 4);
        Admit(2, 5);
        Admit(3, 9);
        Commit(1);
        var next = new ChunkReplica(new ChunkVersion(3), _replica.DirtyBefore(new BlockIndex(9)));
        Assert.Equal([new BlockIndex(5)], next.Carried);
        Assert.True(next.IsDirty(new BlockIndex(5)));
        Assert.False(next.IsQuiet);
    }

    [Fact]
    public void WhatIsCarriedIsCarriedOnIfTheNextVersionEndsToo()
    {
        var second = new ChunkReplica(new ChunkVersion(3), [new BlockIndex(5), new BlockIndex(6)]);
        second.Settle(new BlockIndex(6));
        Assert.Equal([new BlockIndex(5)], second.DirtyBefore(new BlockIndex(1_024)));
    }

    [Fact]
    public void NothingIsWrittenBeforeWhatIsCarriedIsSettled()
    {
        var next = new ChunkReplica(new ChunkVersion(3), [new BlockIndex(5)]);
        Assert.Equal(WriteVerdict.Wait, next.Admit(Writer, 1, [new BlockIndex(0)]));
        next.Settle(new BlockIndex(5));
        Assert.Equal(WriteVerdict.Take, next.Admit(Writer, 1, [new BlockIndex(0)]));
    }

    private WriteVerdict Admit(ulong sequence, params uint[] blocks) =>
        _replica.Admit(Writer, sequence, blocks.Select(block => new BlockIndex(block)));

    private void Commit(ulong sequence)
    {
        _replica.HasStored(sequence);
        _replica.HasBehind(sequence);
    }

    private bool IsDirty(uint block) => _replica.IsDirty(new BlockIndex(block));
}
