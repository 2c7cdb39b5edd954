using DistFS.Client.Chunks;
using DistFS.Client.Files;

namespace DistFS.Client.Tests.Files;

/// <summary>How a writer comes to another version, when it, or somebody else, begins one.</summary>
public sealed class PlaceVersionsTests : IPlaceOperations
{
    private static readonly ChunkId Chunk = new(9);

    private readonly List<(uint Version, uint Length, string Drop)> _asked = [];
    private ChunkTarget _now = Target(3, storedLength: 100, 1, 2);

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

    [Fact]
    public async Task WhatSomebodyElseHasCutIsSaid()
    {
        var mine = _now;
        _now = Target(7, storedLength: 149, 1, 2);
        var error = await Assert.ThrowsAsync<DistFsException>(() => BeginAsync(mine, length: 150, drop: 2));
        Assert.Equal(ErrorCatalog.WritesLost, error.Code);
    }

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
