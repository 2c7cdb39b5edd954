using DistFS.Metadata.Chunks;
using DistFS.Metadata.Servers;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Chunks;

/// <summary>
/// Copies that may lack bytes that were replied to and never synced (docs/design/chain.md, "After a crash"): one counts
/// only if none is left that is clean.
/// </summary>
public sealed partial class UncleanCopiesTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly ChunkId _chunk;

    public UncleanCopiesTests()
    {
        _file = _files.FileOf("f", 100);
        _chunk = _files.Place(_file, 0).Chunk;
        _files.Open(_file, 0, 0);
    }

    private ChunkRow Row => _files.Row(_chunk);

    private uint[] Chain => [.. Row.Chain.Select(server => server.Value)];

    [Theory]
    [InlineData(1u, 2u, 3u)]
    [InlineData(2u, 1u, 3u)]
    [InlineData(3u, 1u, 2u)]
    public void One_that_is_unclean_is_not_in_the_chain_and_its_copy_stays(uint unclean, uint first, uint second)
    {
        var version = Row.Version.Value;
        Note(unclean, 100);
        Assert.Equal([first, second], Chain);
        Assert.Equal((version + 1, 3, ChunkState.Open), (Row.Version.Value, Row.Replicas.Length, Row.State));
        Assert.Equal((false, true), (Row.IsUntold, Row.IsUnclean(new ServerId(unclean))));
        Assert.Empty(_files.GarbageOf(unclean));

        // Clients write to the others, and are told so.
        Assert.Equal(FsStatus.Ok, _files.Allocate(_file, 0));
        Assert.Equal([first, second], _files.Fs.Reply.Chunks[0].Servers);

        // Told again, nothing changes; longer, only that is noted.
        var changed = Row.ChangedAt;
        _files.Fs.File(InodeId.Root, "later");
        Note(unclean, 100);
        Assert.Equal((changed, version + 1), (Row.ChangedAt, Row.Version.Value));
        Note(unclean, 120);
        Assert.Equal((120u, version + 1), (Row.UncleanBytesOf(new ServerId(unclean)), Row.Version.Value));
        _files.Sound();
    }

    [Fact]
    public void A_copy_that_is_unclean_is_no_source_and_no_reason_to_give_up_another()
    {
        Note(1, 100);
        Note(2, 100);
        Assert.Equal([3u], Chain);
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 3, add: false, lost: true));
        Assert.True(Row.Lacks(new ServerId(3)));
        var info = Metadata.Placement.ChunkInfo.Of(_chunk, Row);
        Assert.All(
            info.Replicas.ToArray(), replica => Assert.Equal(Metadata.Placement.ReplicaState.Bad, replica.State));
        Assert.Equal(FsStatus.Stale, Begin(7, source: 1, target: 4));
        _files.Sound();
    }

    /// <summary>What a server has is not known before it has told it: it may have all.</summary>
    [Fact]
    public void As_long_as_one_may_be_clean_nothing_is_decided()
    {
        Ok(_files.Register(3));
        Note(1, 100);
        Note(2, 100);
        Assert.Null(Row.DecidedServer);
        Ok(_files.EndInventory(3));
        Note(2, 100);
        Assert.Null(Row.DecidedServer);

        // It goes down, and it is not known when it comes back: the others go on.
        Ok(_files.SetState(3, ServerState.Down));
        Note(2, 100);
        Assert.Equal(new ServerId(1), Row.DecidedServer);

        // Its writer has to hear of it, whatever version comes after.
        Assert.Equal(Row.Version, Row.DecidedIn);
        var told = Metadata.Ops.Replies.ToChunkInfo(_files.Chunks, 0, default, _chunk);
        Assert.Equal(Row.DecidedIn.Value, told.DecidedIn);
        Assert.Equal(Row.DecidedIn, Row.NextVersion(50, _files.Fs.Index).DecidedIn);

        // What it has counts for nothing from then on, clean or not; and it stays where it is.
        Assert.Equal(0u, Row.UncleanBytesOf(new ServerId(3)));
        Assert.Empty(_files.GarbageOf(3));
        _files.Sound();
    }

    [Theory]
    [InlineData(100u, 100u, 100u, 1u)]
    [InlineData(90u, 95u, 95u, 2u)]
    [InlineData(0u, 10u, 90u, 3u)]
    [InlineData(0u, 0u, 0u, 1u)]
    [InlineData(100u, 200u, 300u, 1u)]
    public void When_all_are_unclean_the_one_with_the_most_counts_whoever_tells_it_last(
        uint first, uint second, uint third, uint chosen)
    {
        var lengths = new[] { first, second, third };
        foreach (var order in new uint[][] { [1, 2, 3], [3, 1, 2], [2, 3, 1] })
        {
            var test = new UncleanCopiesTests();
            foreach (var server in order)
            {
                Assert.Null(test.Row.DecidedServer);
                test.Note(server, lengths[server - 1]);
            }

            Assert.Equal(new ServerId(chosen), test.Row.DecidedServer);
            Assert.Equal([chosen], test.Chain);

            // Nothing of the file's is cut off: what nobody has is zeros.
            Assert.Equal((100u, ChunkState.Sealed, true), (test.Row.Length, test.Row.State, test.Row.IsUntold));
            var fence = ChunkFences.Of(test._chunk, test.Row);
            Assert.Equal((chosen, true), (fence.Counts, fence.Sealed));
            Assert.Equal([chosen], fence.Servers);
            test._files.Sound();
        }
    }

    /// <summary>The decision is in the log: it holds whoever leads, and whatever the server says later.</summary>
    [Fact]
    public void Who_was_decided_is_told_again_until_it_knows_and_then_counts_as_any()
    {
        Decide();
        var version = Row.Version.Value;
        Note(1, 100);
        Assert.Equal((version, new ServerId(1)), (Row.Version.Value, Row.DecidedServer));
        foreach (var known in new uint[] { 2, version })
        {
            var plan = Compare(1, new ReportedCopy(_chunk, new ChunkVersion(known), 90, IsUnclean: true));
            Assert.Empty(plan.Unclean);
            Assert.Equal((1u, version), (Assert.Single(plan.Fences).Counts, plan.Fences[0].Version));
        }

        // Nobody writes before: he would be refused.
        Assert.Equal(FsStatus.TryAgain, _files.Allocate(_file, 0));
        Assert.Equal(FsStatus.Busy, Begin(7, source: 1, target: 2));
        Told();
        Assert.Equal((null, false), (Row.DecidedServer, Row.IsUntold));
        Assert.Equal([1u], Chain);

        // The others are made as it is, where they are, and count then.
        Assert.Equal(FsStatus.Ok, Begin(7, source: 1, target: 2));
        Assert.Equal(FsStatus.AlreadyExists, Begin(8, source: 1, target: 1));
        End(7, target: 2);
        Assert.Equal([1u, 2u], Chain);
        Assert.Equal(version, Row.Version.Value);
        Assert.Equal(FsStatus.Ok, Begin(9, source: 2, target: 3));
        End(9, target: 3);
        Assert.True(Row.UncleanBytes.IsEmpty);
        _files.Sound();
    }

    [Fact]
    public void Who_was_decided_and_loses_what_it_had_leaves_it_to_the_next()
    {
        Decide();
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Note(2, 90);
        Assert.Equal(new ServerId(3), Row.DecidedServer);
        Assert.True(Row.Lacks(new ServerId(1)));
        _files.Sound();
    }

    /// <summary>What it told before the copy came is about what was there before: nothing is to be deleted for it.
    /// </summary>
    [Fact]
    public void A_loss_that_is_being_made_good_where_it_lies_is_believed_only_if_that_fails()
    {
        Decide();
        Told();
        Ok(Begin(7, source: 1, target: 2));
        var version = Row.Version;
        Assert.Equal(FsStatus.Busy, _files.Change(_chunk, 2, add: false, lost: true));
        Assert.Equal((version, true), (Row.Version, Row.IsOn(new ServerId(2))));
        Assert.Empty(_files.GarbageOf(2));
        End(7, target: 2);
        Assert.Equal([1u, 2u], Chain);
        Ok(_files.Change(_chunk, 2, add: false, lost: true));
        Assert.False(Row.IsOn(new ServerId(2)));
        _files.Sound();
    }

    /// <summary>Nothing is committed yet, but its writer may have been replied to: it may lack some of that.</summary>
    [Fact]
    public void Of_what_is_written_and_not_committed_something_may_be_missing()
    {
        var chunk = _files.Open(_file, 1, 0);
        var id = new ChunkId(chunk.Chunk);
        Note(2, 50, id);
        Assert.Equal((2u, true), (_files.Row(id).Version.Value, _files.Row(id).IsUnclean(new ServerId(2))));
        var plan = Compare(2, new ReportedCopy(id, new ChunkVersion(1), 50, IsUnclean: true));
        Assert.DoesNotContain(plan.Fences, fence => fence.Chunk == id.Value);

        // The writer was replied to by those that have it.
        Ok(_files.Commit(_file, new WrittenChunk(chunk) { Length = 60 }));
        Assert.Equal((60u, 1), (_files.Row(id).Length, _files.Row(id).Kept));
        _files.Sound();
    }

    [Fact]
    public void Of_nothing_nothing_is_missing()
    {
        var chunk = _files.Open(_file, 1, 0);
        var id = new ChunkId(chunk.Chunk);
        Note(2, 50, id);

        // Its writer begins a version with nothing: what anybody has goes, and it comes to that.
        chunk.Length = 0;
        Ok(_files.NewVersion(_file, chunk));
        Assert.Equal((3u, true), (_files.Row(id).Version.Value, _files.Row(id).UncleanBytes.IsEmpty));
        var plan = Compare(2, new ReportedCopy(id, new ChunkVersion(1), 50, IsUnclean: true));
        Assert.Equal((3u, 0u), (plan.Fences[^1].Version, plan.Fences[^1].Length));
        Assert.DoesNotContain(plan.Unclean, change => change.Chunk == id.Value);

        // Nor of what is cut off.
        Note(1, 100);
        Ok(_files.SetSize(_file, 0));
        _files.Sound();
    }

    /// <summary>Not lost: what was synced is in it. But stale is stale, and lost is lost.</summary>
    [Fact]
    public void What_a_server_tells_of_it()
    {
        Note(2, 100);
        var plan = Compare(1, new ReportedCopy(_chunk, new ChunkVersion(2), 40, IsUnclean: true));
        Assert.Empty(plan.Lost);
        var change = Assert.Single(plan.Unclean);
        Assert.Equal((_chunk.Value, 3u, 1u, true, 40u),
            (change.Chunk, change.Version, change.Server, change.Unclean, change.Length));

        // One that the state counts for nothing says no more of it than how much it has, in whatever run.
        Assert.Empty(Compare(2, new ReportedCopy(_chunk, new ChunkVersion(3), 100, IsUnclean: true)).Unclean);
        plan = Compare(2, new ReportedCopy(_chunk, new ChunkVersion(2), 90));
        Assert.Equal((90u, 1, 0), (Assert.Single(plan.Unclean).Length, plan.Fences.Count, plan.Found.Count));

        // What was looked at before the row changed is asked for again.
        plan = Compare(1, new ReportedCopy(_chunk, new ChunkVersion(2), 40, IsUnclean: true), position: 1);
        Assert.Equal((_chunk, 0), (plan.Next, plan.Unclean.Count));
        Assert.Single(Compare(1, new ReportedCopy(_chunk, new ChunkVersion(2), 40)).Lost);
    }

    [Fact]
    public void Who_has_gone_leaves_the_others_in_their_places()
    {
        var row = Row.WithUnclean(new ServerId(2), 7, _files.Fs.Index);
        Assert.True(row.Without(new ServerId(2)).UncleanBytes.IsEmpty);
        Assert.Equal(7u, row.Without(new ServerId(1)).UncleanBytesOf(new ServerId(2)));
        Assert.Equal(7u, row.WithServer(new ServerId(9), _files.Fs.Index).UncleanBytesOf(new ServerId(2)));
        Assert.False(row.WithServer(new ServerId(9), _files.Fs.Index).IsUnclean(new ServerId(9)));
        Assert.True(row.WithLack(new ServerId(2), lacks: true, _files.Fs.Index).IsUnclean(new ServerId(2)));
        Assert.True(row.NextVersion(0, _files.Fs.Index).UncleanBytes.IsEmpty);
        Assert.Equal(7u, row.NextVersion(1, _files.Fs.Index).UncleanBytesOf(new ServerId(2)));
    }

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

    /// <summary>All three tell it, and the first has as much as any.</summary>
    private void Decide()
    {
        Note(3, 100);
        Note(2, 90);
        Note(1, 100);
        Assert.Equal(new ServerId(1), Row.DecidedServer);
    }

    private void Told() => Ok(_files.Command(new MetadataCommand
    {
        SealIdle = new SealIdleRequest
        {
            Chunk = _chunk.Value,
            Version = Row.Version.Value,
            Length = 100,
            IsTold = true,
        },
    }));

    private void Note(uint server, uint length, ChunkId? chunk = null)
    {
        var id = chunk ?? _chunk;
        var request = new ChangeReplicasRequest();
        request.Changes.Add(new ChangeReplicasRequest.Types.Change
        {
            Chunk = id.Value,
            Version = _files.Row(id).Version.Value,
            Server = server,
            Unclean = true,
            Length = length,
        });
        Ok(_files.Command(new MetadataCommand { ChangeReplicas = request }));
        Assert.Equal([0], _files.Reply.ChangeReplicas.Statuses);
    }

    private InventoryPlan Compare(uint server, ReportedCopy copy, ulong? position = null)
    {
        Ok(Inventory.Compare(
            _files.Fs.Tree,
            new ServerId(server),
            position is { } at ? new LogIndex(at) : _files.Fs.Index,
            copy.Chunk,
            new ChunkId(copy.Chunk.Value + 1),
            [copy],
            out var plan));
        return plan;
    }

    private FsStatus Begin(ulong copy, uint source, uint target)
    {
        var request = new BeginCopiesRequest();
        request.Copies.Add(new BeginCopiesRequest.Types.Begin
        {
            Copy = copy,
            Chunk = _chunk.Value,
            Version = Row.Version.Value,
            Source = source,
            Target = target,
            SizeBytes = 100,
        });
        Ok(_files.Command(new MetadataCommand { BeginCopies = request }));
        return (FsStatus)Assert.Single(_files.Reply.Copies.Statuses);
    }

    private void End(ulong copy, uint target)
    {
        var request = new EndCopiesRequest();
        request.Copies.Add(new EndCopiesRequest.Types.End
        {
            Copy = copy,
            Chunk = _chunk.Value,
            Version = Row.Version.Value,
            Target = target,
            IsDone = true,
        });
        Ok(_files.Command(new MetadataCommand { EndCopies = request }));
        Assert.Equal([0], _files.Reply.Copies.Statuses);
    }
}
