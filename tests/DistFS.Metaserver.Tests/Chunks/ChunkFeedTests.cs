using DistFS.Metadata.Chunks;
using DistFS.Metaserver.Chunks;

namespace DistFS.Metaserver.Tests.Chunks;

/// <summary>What was changed, between the apply lane and the planner.</summary>
public sealed class ChunkFeedTests
{
    private readonly ChunkFeed _feed = new();
    private readonly List<ChunkId> _chunks = [];
    private readonly List<ServerId> _garbage = [];

    [Fact]
    public void What_comes_is_given_once_and_in_slices()
    {
        _feed.Open();
        Add(1, 2, 3);
        Add(3, 4);
        Assert.True(_feed.TryTake(3, _chunks, _garbage));
        Assert.Equal(3, _chunks.Count);
        Assert.Equal([new ServerId(9)], _garbage);
        Assert.True(_feed.TryTake(10, _chunks, _garbage));
        Assert.Equal([1ul, 2ul, 3ul, 4ul], _chunks.Select(chunk => chunk.Value).Order());
        Assert.Single(_garbage);
    }

    [Fact]
    public void Closed_it_keeps_nothing()
    {
        Add(1);
        _feed.Open();
        Add(2);
        _feed.Close();
        Add(3);
        _feed.Open();
        Assert.True(_feed.TryTake(10, _chunks, _garbage));
        Assert.Empty(_chunks);
    }

    [Fact]
    public void One_that_runs_over_or_whose_state_is_replaced_says_so_until_it_is_opened_again()
    {
        _feed.Open();
        Add([.. Enumerable.Range(1, ChunkFeed.ChunksMax).Select(i => (ulong)i)]);
        Assert.True(_feed.TryTake(0, _chunks, _garbage));
        Add(ulong.MaxValue);
        Assert.False(_feed.TryTake(10, _chunks, _garbage));
        Add(1);
        Assert.False(_feed.TryTake(10, _chunks, _garbage));
        Assert.Empty(_chunks);
        _feed.Open();
        Add(1);
        Assert.True(_feed.TryTake(10, _chunks, _garbage));
        _feed.Lose();
        Assert.False(_feed.TryTake(10, _chunks, _garbage));
    }

    private void Add(params ulong[] chunks)
    {
        var changes = new ChunkChanges();
        changes.Chunks.UnionWith(chunks.Select(chunk => new ChunkId(chunk)));
        changes.Garbage.Add(new ServerId(9));
        _feed.Add(changes);
    }
}
