using DistFS.Metadata.Servers;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Servers;

/// <summary>What a server says that it has, against what it should have.</summary>
public sealed class InventoryTests
{
    private static readonly ServerId Server = new(1);
    private static readonly ChunkId End = new(ulong.MaxValue);
    private readonly Files _files = new();
    private readonly InodeId _file;

    public InventoryTests() => _file = _files.FileOf("f", 100, 200, 300);

    [Fact]
    public void What_is_as_it_should_be_is_left_alone()
    {
        var plan = Compare(Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 900));
        Assert.Equal((0, 0, 0, 0), (plan.Deletes.Count, plan.Lost.Count, plan.Unknown.Count, plan.Surplus.Count));
        Assert.Equal(End, plan.Next);
    }

    [Fact]
    public void What_is_missing_short_or_stale_is_lost()
    {
        var chunk = _files.Open(_file, 2, 300);
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, chunk));
        var plan = Compare(Copy(1, 1, 99), Copy(3, 1, 300));
        Assert.Empty(plan.Fences);
        Assert.Equal([(1UL, 1u), (3UL, 2u), (2UL, 1u)], plan.Lost.Select(lost => (lost.Chunk, lost.Version)));
        Assert.All(plan.Lost, lost => Assert.False(lost.Add));
        Assert.Empty(plan.Deletes);
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(1), 1, add: false, plan.Lost[0].Version));
    }

    [Fact]
    public void A_version_that_nobody_has_written_in_yet_makes_no_copy_stale()
    {
        _files.Open(_file, 0, 100);
        Assert.Equal(2u, _files.RowAt(_file, 0).Version.Value);
        var plan = Compare(Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 300));
        Assert.Empty(plan.Lost);

        // But it has to know of the version.
        var fence = Assert.Single(plan.Fences);
        Assert.Equal((1ul, 2u, 100u), (fence.Chunk, fence.Version, fence.Length));
    }

    /// <summary>It would serve nobody but as the tail.</summary>
    [Fact]
    public void A_copy_that_is_not_sealed_where_the_chunk_is_is_told()
    {
        var open = _files.Open(_file, 1, 200);
        var plan = Compare(Unsealed(1, 1, 100), Unsealed(2, open.Version, 200), Copy(3, 1, 300));
        var fence = Assert.Single(plan.Fences);
        Assert.Equal((1ul, 1u, true), (fence.Chunk, fence.Version, fence.Sealed));
        Assert.Equal((0, 0), (plan.Lost.Count, plan.Found.Count));

        static ReportedCopy Unsealed(ulong id, uint version, uint length) =>
            Copy(id, version, length) with { IsUnsealed = true };
    }

    [Fact]
    public void What_was_never_written_need_not_be_there()
    {
        _files.Open(_file, 9, 100);
        Assert.Empty(Compare(Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 300)).Lost);
    }

    [Fact]
    public void What_changed_after_the_report_was_made_is_no_evidence()
    {
        var position = _files.Fs.Index;
        var chunk = _files.Open(_file, 0, 150);
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, chunk, _files.Open(_file, 3, 5)));
        ReportedCopy[] copies = [Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 300)];
        var plan = Compare(position, default, End, copies);
        Assert.Empty(plan.Lost);

        // But it is not through either: what is short, or not there, may be lost as well.
        Assert.Equal(new ChunkId(1), plan.Next);
        Assert.Equal([1UL, 4UL], Compare(copies).Lost.Select(lost => lost.Chunk));
    }

    [Fact]
    public void What_changed_is_asked_for_again_until_it_is_there_or_lost()
    {
        var position = _files.Fs.Index;
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, _files.Open(_file, 1, 250), _files.Open(_file, 3, 5)));
        ReportedCopy[] before = [Copy(1, 1, 99), Copy(2, 1, 200), Copy(3, 1, 300)];
        var plan = Compare(position, default, End, before);

        // What was lost before the change is lost, whatever else is not known yet.
        Assert.Equal([1UL], plan.Lost.Select(lost => lost.Chunk));
        Assert.Equal(new ChunkId(2), plan.Next);
        plan = Compare(position, plan.Next, End, Copy(2, 2, 250), Copy(3, 1, 300));
        Assert.Equal((0, new ChunkId(4)), (plan.Lost.Count, plan.Next));

        // It has looked again, and it is not there.
        plan = Compare(_files.Fs.Index, plan.Next, End);
        Assert.Equal([4UL], plan.Lost.Select(lost => lost.Chunk));
        Assert.Equal(End, plan.Next);
        plan.AskAgain(new ChunkId(9));
        plan.AskAgain(new ChunkId(10));
        Assert.Equal(new ChunkId(9), plan.Next);
    }

    /// <summary>What changed, and is there as it is now, is no question.</summary>
    [Fact]
    public void What_changed_and_is_there_is_not_asked_for_again()
    {
        var position = _files.Fs.Index;
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, _files.Open(_file, 0, 150)));
        var plan = Compare(position, default, End, Copy(1, 2, 150), Copy(2, 1, 200), Copy(3, 1, 300));
        Assert.Equal((0, End), (plan.Lost.Count, plan.Next));
    }

    [Fact]
    public void What_was_and_is_no_more_is_deleted_and_what_never_was_stays()
    {
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, Files.Chunk));
        var plan = Compare(Copy(0, 1, 1), Copy(1, 1, 100), Copy(2, 7, 1), Copy(3, 1, 300), Copy(4, 1, 5));
        Assert.Equal([(2UL, 7u), (3UL, 1u)], plan.Deletes.Select(one => (one.Chunk, one.Version)));
        Assert.Equal([0UL, 4UL], plan.Unknown.Select(one => one.Chunk.Value));
        Assert.Empty(plan.Lost);
    }

    [Fact]
    public void A_version_that_was_never_given_changes_nothing()
    {
        var plan = Compare(Copy(1, 9, 0), Copy(2, 1, 200), Copy(3, 1, 300));
        Assert.Equal([1UL], plan.Unknown.Select(one => one.Chunk.Value));
        Assert.Equal((0, 0), (plan.Lost.Count, plan.Deletes.Count));
    }

    [Fact]
    public void A_copy_on_a_server_that_is_not_to_have_it()
    {
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(1), 1, add: false));
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(2), 1, add: false));
        Assert.Equal(FsStatus.Ok, _files.Confirm(1, new ChunkId(2)));
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(3), 1, add: false));
        var plan = Compare(Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 2, 300));

        // Told to delete already; of an older version; and one that is right, as a repair makes it.
        Assert.Equal([(1UL, 1u), (2UL, 1u)], plan.Deletes.Select(one => (one.Chunk, one.Version)));
        Assert.Equal([3UL], plan.Surplus.Select(one => one.Chunk.Value));
        Assert.Empty(plan.Lost);
    }

    [Fact]
    public void A_server_that_says_it_lost_all_does_not_make_the_last_copy_forgotten()
    {
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(1), 2, add: false));
        Assert.Equal(FsStatus.Ok, _files.Change(new ChunkId(1), 3, add: false));
        var lost = Compare().Lost;
        Assert.Equal([1UL, 2UL, 3UL], lost.Select(one => one.Chunk));
        var request = new ChangeReplicasRequest();
        request.Changes.AddRange(lost);
        Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand { ChangeReplicas = request }));
        Assert.Equal([(int)FsStatus.IoError, 0, 0], _files.Reply.ChangeReplicas.Statuses);
        _files.Sound();
    }

    [Fact]
    public void What_was_lacked_and_is_there_again_is_told_to_the_log()
    {
        var chunk = new ChunkId(1);
        ReportedCopy[] copies = [Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 300)];
        Assert.Equal(FsStatus.Ok, _files.SetState(2, ServerState.Down));
        Assert.Equal(FsStatus.Ok, _files.SetState(3, ServerState.Down));
        var position = new LogIndex(_files.Fs.Index.Value - 1);
        var lost = Compare(copies[1], copies[2]).Lost;
        Assert.True(Assert.Single(lost).Lost);
        Assert.Equal(FsStatus.IoError, _files.Change(chunk, 1, add: false, lost: true));

        // What it looked at before it said so says nothing.
        var plan = Compare(position, default, End, copies);
        Assert.Equal((0, chunk), (plan.Found.Count, plan.Next));
        plan = Compare(copies);
        var found = Assert.Single(plan.Found);
        Assert.Equal((1UL, 2u, 1u, true), (found.Chunk, found.Version, found.Server, found.Add));
        Assert.Equal(End, plan.Next);
        Assert.Equal(FsStatus.Ok, _files.Change(chunk, 1, add: true));
        Assert.Empty(Compare(copies).Found);

        // Short, it is lost still.
        Assert.Equal(FsStatus.IoError, _files.Change(chunk, 1, add: false, lost: true));
        plan = Compare(Copy(1, 1, 99), copies[1], copies[2]);
        Assert.Equal((0, 1), (plan.Found.Count, plan.Lost.Count));
    }

    /// <summary>
    /// Its writer was replied to, and has committed nothing: what the server had of it is gone with its disk, or with a
    /// crash before the first sync.
    /// </summary>
    [Fact]
    public void What_is_written_and_not_committed_is_missed_too()
    {
        var chunk = _files.Open(_file, 7, 0);
        var id = new ChunkId(chunk.Chunk);
        var all = new[] { Copy(1, 1, 100), Copy(2, 1, 200), Copy(3, 1, 300) };
        var plan = Compare(new LogIndex(_files.Fs.Index.Value - 1), default, End, all);
        Assert.Equal((0, id), (plan.Unclean.Count, plan.Next));
        plan = Compare(all);
        var change = Assert.Single(plan.Unclean);
        Assert.Equal((id.Value, 1u, true, 0u), (change.Chunk, change.Version, change.Unclean, change.Length));
        Assert.Equal((id, 0), (plan.Next, plan.Fences.Count));

        // Others go on without it, and it makes the chunk in no older version.
        var request = new ChangeReplicasRequest { Changes = { change } };
        Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand { ChangeReplicas = request }));
        plan = Compare(all);
        Assert.Equal((2u, End), (Assert.Single(plan.Fences).Version, plan.Next));
        Assert.DoesNotContain(1u, plan.Fences[0].Servers);

        // The writer was replied to by all three: what he says holds, and the copy that is gone does not count.
        Assert.Equal(FsStatus.Ok, _files.Commit(_file, new WrittenChunk(chunk) { Length = 60 }));
        Assert.Equal((60u, true), (_files.Row(id).Length, _files.Row(id).IsUnclean(new ServerId(1))));
        plan = Compare([.. all, Copy(id.Value, 2, 0)]);
        Assert.Equal((0, 0), (plan.Lost.Count, plan.Unclean.Count));
        _files.Sound();
    }

    /// <summary>All have lost it: what the writer was replied to is never part of the file.</summary>
    [Fact]
    public void What_nobody_has_any_more_is_not_committed()
    {
        var chunk = _files.Open(_file, 7, 0);
        var id = new ChunkId(chunk.Chunk);
        for (var server = 1u; server <= 3; server++)
        {
            Assert.Equal(FsStatus.Ok, Inventory.Compare(
                _files.Fs.Tree, new ServerId(server), _files.Fs.Index, id, new ChunkId(id.Value + 1), [],
                out var plan));
            var request = new ChangeReplicasRequest { Changes = { Assert.Single(plan.Unclean) } };
            Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand { ChangeReplicas = request }));
        }

        var row = _files.Row(id);
        Assert.Equal((Metadata.Chunks.ChunkState.Sealed, new ServerId(1)), (row.State, row.DecidedServer!.Value));
        Assert.Equal(FsStatus.Stale, _files.Commit(_file, new WrittenChunk(chunk) { Length = 60 }));
        Assert.Equal(0u, _files.Row(id).Length);
        _files.Sound();
    }

    [Fact]
    public void Page_by_page()
    {
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 0));
        _files.Fs.Placements = Files.PlacementsOf(1500, 1);
        for (var i = 0UL; i < 1500; i++)
        {
            Assert.Equal(FsStatus.Ok, _files.Commit(_file, _files.Open(_file, i, 1)));
        }

        // The server has only the last; the page ends where the work of one does, and the next begins there.
        var (lost, from) = (new List<ulong>(), new ChunkId(1));
        var pages = 0;
        for (; from != End; pages++)
        {
            var plan = Compare(_files.Fs.Index, from, End, Copy(1503, 1, 1));
            lost.AddRange(plan.Lost.Select(one => one.Chunk));
            from = plan.Next;
        }

        Assert.Equal(2, pages);
        Assert.Equal(Enumerable.Range(4, 1499).Select(i => (ulong)i), lost);
    }

    [Fact]
    public void What_is_no_page_is_refused()
    {
        foreach (var copies in new ReportedCopy[][]
        {
            [Copy(2, 1, 1), Copy(1, 1, 1)], [Copy(2, 1, 1), Copy(2, 1, 1)], [Copy(1, 1, 1)], [Copy(9, 1, 1)],
            [.. Enumerable.Range(2, 1025).Select(i => Copy((ulong)i, 1, 1))],
        })
        {
            Assert.Equal(FsStatus.Invalid, Inventory.Compare(
                _files.Fs.Tree, Server, _files.Fs.Index, new ChunkId(2), new ChunkId(9), copies, out _));
        }
    }

    private static ReportedCopy Copy(ulong chunk, uint version, uint length) =>
        new(new ChunkId(chunk), new ChunkVersion(version), length);

    private InventoryPlan Compare(params ReportedCopy[] copies) => Compare(_files.Fs.Index, default, End, copies);

    private InventoryPlan Compare(LogIndex position, ChunkId from, ChunkId to, params ReportedCopy[] copies)
    {
        Assert.Equal(FsStatus.Ok, Inventory.Compare(
            _files.Fs.Tree, Server, position, from, to, copies, out var plan));
        return plan;
    }
}
