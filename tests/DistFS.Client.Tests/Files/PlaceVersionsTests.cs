using DistFS.Client.Chunks;
using DistFS.Client.Files;

namespace DistFS.Client.Tests.Files;

/// <summary>How a writer comes to another version, when it, or somebody else, begins one.</summary>
public sealed class PlaceVersionsTests : IPlaceOperations
{
    private static readonly ChunkId Chunk = new(9);

    private readonly List<(uint Version, uint Length, string Drop)> _asked = [];
    private ChunkTarget _now = Target(3, storedLength: 100, 1, 2);
    private uint _committed = 150;
    private uint _usedIn = 3;
    private bool _hasUnsynced;
    private bool _isFilling;

    [Fact]
    public async Task WhatWasAcknowledgedInTheVersionIsNamed()
    {
        var target = await BeginAsync(_now, length: 150, drop: 2);
        Assert.Equal([(3U, 150U, "2")], _asked);
        Assert.Equal(4U, target.Version.Value);
    }

    /// <summary>
    /// What is named is taken for committed in that version: of a server that has not heard of it, it would be said
    /// that it missed something.
    /// </summary>
    [Fact]
    public async Task NothingIsNamedInAVersionInWhichNothingWasAcknowledged()
    {
        _usedIn = 2;
        await BeginAsync(_now, length: 100, drop: 2);
        Assert.Equal([(3U, 0U, "2")], _asked);
    }

    [Fact]
    public async Task BehindAVersionOfSomebodyElseNothingIsNamedAndOnlyItsServersAreDropped()
    {
        var mine = _now;
        _now = Target(7, storedLength: 150, 1);
        var target = await BeginAsync(mine, length: 150, drop: 2);
        Assert.Equal([(3U, 150U, "2"), (7U, 0U, "")], _asked);
        Assert.Equal(8U, target.Version.Value);
    }

    /// <summary>Also where the version is long enough: that may be another writer's, behind a gap.</summary>
    [Fact]
    public async Task WhatWasAcknowledgedAndNotCommittedBeforeAnotherCameIsLost()
    {
        var mine = _now;
        _now = Target(7, storedLength: 1_000, 1, 2);
        _committed = 149;
        var error = await Assert.ThrowsAsync<DistFsException>(() => BeginAsync(mine, length: 150, drop: 2));
        Assert.Equal(ErrorCatalog.WritesLost, error.Code);
    }

    /// <summary>It was the file's, and is cut as if that had come first: nothing of it comes back.</summary>
    [Fact]
    public async Task WhatWasCommittedAndCutIsNoLossAndIsNotNamed()
    {
        var mine = _now;
        _now = Target(7, storedLength: 20, 1, 2);
        var target = await BeginAsync(mine, length: 150, drop: 2);
        Assert.Equal((3U, 150U, "2"), _asked[0]);
        Assert.Equal((7U, 0U, "2"), _asked[1]);
        Assert.Equal(20u, target.StoredLength);
    }

    [Theory]
    [InlineData(4, true, true)]
    [InlineData(4, false, false)]
    [InlineData(3, true, false)]
    public async Task WhatNobodyHadSyncedWhenAllCrashedIsLost(uint decided, bool hasUnsynced, bool isLost)
    {
        var mine = _now;
        _now = Target(7, storedLength: 150, 1, 2) with { DecidedIn = new ChunkVersion(decided) };
        _hasUnsynced = hasUnsynced;
        var error = await Record.ExceptionAsync(() => BeginAsync(mine, length: 150, drop: 2));
        Assert.Equal(isLost ? ErrorCatalog.WritesLost : null, (error as DistFsException)?.Code);
    }

    [Fact]
    public async Task WhatIsFilledAndTakenIsNotGoneOnWith()
    {
        var mine = _now;
        _now = Target(7, storedLength: 150, 1, 2);
        _isFilling = true;
        await Assert.ThrowsAsync<DistFsException>(() => BeginAsync(mine, length: 150, drop: 2));
        Assert.Single(_asked);
    }

    /// <summary>Bytes were written over others: the length says nothing, and who has not seen it is stale.</summary>
    [Fact]
    public async Task WhatWasWrittenOverInTheVersionIsNamedToo()
    {
        await BeginAsync(_now, length: 100, drop: 2);
        Assert.Equal([(3U, 100U, "2")], _asked);
    }

    bool IPlaceOperations.IsUsed(ChunkVersion version) => version.Value == _usedIn;

    uint IPlaceOperations.Committed => _committed;

    bool IPlaceOperations.HasUnsynced => _hasUnsynced;

    bool IPlaceOperations.IsTakenIfFilling() => _isFilling;

    Task<ChunkTarget> IPlaceOperations.AllocateAsync(CancellationToken cancellation) => Task.FromResult(_now);

    Task<ChunkTarget?> IPlaceOperations.NewVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation)
    {
        _asked.Add((before.Version.Value, length, string.Join(' ', drop.Select(static server => server.Value))));
        return Task.FromResult(before.Version != _now.Version ? null : _now with
        {
            Version = new ChunkVersion(_now.Version.Value + 1),
            StoredLength = Math.Max(_now.StoredLength, length),
        });
    }

    private Task<ChunkTarget> BeginAsync(ChunkTarget before, uint length, uint drop) =>
        PlaceVersions.BeginAsync(this, "/f", 0, before, length, [new ServerId(drop)], default);

    private static ChunkTarget Target(uint version, uint storedLength, params uint[] servers) => new(
        Chunk,
        new ChunkVersion(version),
        storedLength,
        [.. servers.Select(static id => new ChunkServerAddress(new ServerId(id), $"s{id}:1"))]);
}
