using DistFS.Metadata.Chunks;
using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Chunks;

/// <summary>Copies under way: noted before they are ordered, and never forgotten.</summary>
public sealed class CopyCommandsTests
{
    private readonly Files _files = new();
    private readonly InodeId _file;
    private readonly ChunkId _chunk;

    public CopyCommandsTests()
    {
        _file = _files.FileOf("f", 100);
        _chunk = _files.Place(_file, 0).Chunk;
    }

    private IEnumerable<ulong> UnderWay => _files.Fs.Tree.Copies.Of(_chunk).Select(copy => copy.Copy.Value);

    [Fact]
    public void One_that_goes_well_makes_its_target_a_server_of_the_chunk()
    {
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4));
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4));
        Assert.Equal([7ul], UnderWay);
        Assert.Equal([1u, 2u, 3u], Servers());
        Assert.Equal(FsStatus.Ok, End(7, target: 4, isDone: true));
        Assert.Equal([1u, 2u, 3u, 4u], Servers());
        Assert.Empty(UnderWay);
        Assert.Empty(_files.GarbageOf(4));

        // Told again, it ended before.
        Assert.Equal(FsStatus.NotFound, End(7, target: 4, isDone: true));
        Assert.Equal(FsStatus.AlreadyExists, Begin(8, target: 4));
        _files.Sound();
    }

    [Fact]
    public void Nobody_copies_from_a_server_that_lacks_it()
    {
        Assert.Equal(FsStatus.Ok, _files.SetState(2, ServerState.Down));
        Assert.Equal(FsStatus.Ok, _files.SetState(3, ServerState.Down));
        Assert.Equal(FsStatus.IoError, _files.Change(_chunk, 1, add: false, lost: true));
        Assert.Equal(FsStatus.Stale, Begin(7, target: 4));
        var info = Metadata.Placement.ChunkInfo.Of(_chunk, _files.Row(_chunk));
        Assert.Equal(
            [Metadata.Placement.ReplicaState.Bad, Metadata.Placement.ReplicaState.Good,
                Metadata.Placement.ReplicaState.Good],
            info.Replicas.ToArray().Select(replica => replica.State));
    }

    [Fact]
    public void What_was_copied_in_vain_is_garbage_of_its_target()
    {
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4));
        Assert.Equal(FsStatus.Cancelled, End(7, target: 4, isDone: false));
        Assert.Equal([_chunk.Value], _files.GarbageOf(4));

        // Not to that server again before it has deleted that.
        Assert.Equal(FsStatus.Busy, Begin(8, target: 4));
        Assert.Equal(FsStatus.Ok, _files.Confirm(4, _chunk));
        Assert.Equal(FsStatus.Ok, Begin(8, target: 4));

        // Meanwhile the version has changed: what was copied is an old one.
        Assert.Equal(FsStatus.Ok, _files.Change(_chunk, 3, add: false));
        Assert.Equal(FsStatus.Stale, End(8, target: 4, isDone: true, version: 1));
        Assert.Equal([_chunk.Value], _files.GarbageOf(4));
        Assert.Equal([1u, 2u], Servers());
        _files.Sound();
    }

    [Fact]
    public void A_chunk_that_is_gone_meanwhile_is_deleted_where_it_was_copied_to()
    {
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4));
        Assert.Equal(FsStatus.Ok, _files.SetSize(_file, 0));
        Assert.Equal(FsStatus.NotFound, End(7, target: 4, isDone: true, version: 1));
        Assert.Equal([_chunk.Value], _files.GarbageOf(4));
        Assert.Empty(UnderWay);
        _files.Sound();
    }

    [Fact]
    public void What_does_not_fit_the_state_does_not_begin()
    {
        Assert.Equal(FsStatus.Invalid, Begin(0, target: 4));
        Assert.Equal(FsStatus.AlreadyExists, Begin(7, target: 2));
        Assert.Equal(FsStatus.Stale, Begin(7, target: 4, version: 2));
        Assert.Equal(FsStatus.Stale, Begin(7, target: 4, source: 5));
        Assert.Equal(FsStatus.TryAgain, Begin(7, target: 99));
        Assert.Equal(FsStatus.Ok, _files.SetState(4, Protocol.ServerState.Full));
        Assert.Equal(FsStatus.TryAgain, Begin(7, target: 4));
        Assert.Equal(FsStatus.Ok, Begin(7, target: 5));
        Assert.Equal(FsStatus.AlreadyExists, Begin(8, target: 5));

        // Somebody writes it.
        _files.Open(_file, 0, 0);
        Assert.Equal(FsStatus.Ok, _files.SetState(4, Protocol.ServerState.Up));
        Assert.Equal(FsStatus.Busy, Begin(9, target: 4, version: 2));

        // Who says that it ended must know what.
        Assert.Equal(FsStatus.NotFound, End(7, target: 4, isDone: true, version: 1));
        Assert.Equal(FsStatus.NotFound, End(7, target: 5, isDone: true, version: 2));
        Assert.Equal([7ul], UnderWay);
        _files.Sound();
    }

    [Fact]
    public void An_idle_chunk_is_sealed_in_a_new_version_only_if_it_is_as_it_was_seen()
    {
        Assert.Equal(FsStatus.Stale, Seal(1, 100));
        _files.Open(_file, 0, 0);
        Assert.Equal(FsStatus.Stale, Seal(1, 100));
        Assert.Equal(FsStatus.Stale, Seal(2, 99));
        Assert.Equal(FsStatus.Ok, Seal(2, 100));
        Assert.Equal((3u, ChunkState.Sealed), (_files.Row(_chunk).Version.Value, _files.Row(_chunk).State));
        Assert.Equal(FsStatus.Stale, Seal(3, 100));
        _files.Sound();
    }

    /// <summary>A server that was not told may take a write yet, and then not all copies are equal.</summary>
    [Fact]
    public void A_sealed_chunk_is_not_copied_before_all_its_servers_know()
    {
        _files.Open(_file, 0, 0);
        Assert.Equal(FsStatus.Ok, Seal(2, 100));
        Assert.Equal(FsStatus.Busy, Begin(7, target: 4, version: 3));

        // Somebody who was silent is taken out: the others have to know that version.
        Assert.Equal(FsStatus.Ok, _files.Change(_chunk, 3, add: false));
        Assert.Equal(FsStatus.Stale, Seal(3, 100, isTold: true));
        Assert.Equal(FsStatus.Busy, Begin(7, target: 4, version: 4));
        Assert.Equal(FsStatus.Ok, Seal(4, 100, isTold: true));
        Assert.Equal(FsStatus.Ok, Seal(4, 100, isTold: true));
        Assert.Equal(4u, _files.Row(_chunk).Version.Value);
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4, version: 4));
        _files.Sound();
    }

    /// <summary>Who opens a chunk whose servers may not know that it was sealed waits until they do.</summary>
    [Fact]
    public void Opening_a_chunk_that_is_not_told_tells_it()
    {
        _files.Open(_file, 0, 0);
        Assert.Equal(FsStatus.Ok, Seal(2, 100));
        _files.Open(_file, 0, 0);
        var fence = Assert.Single(_files.Fs.Reply.Fences);
        Assert.Equal((_chunk.Value, 4u, 100u), (fence.Chunk, fence.Version, fence.Length));
        Assert.Equal([1u, 2u, 3u], fence.Servers);
        Assert.False(_files.Row(_chunk).IsUntold);
    }

    /// <summary>An order to delete names the copy that failed: one that was made later has a higher number.</summary>
    [Fact]
    public void The_order_to_delete_a_copy_that_failed_does_not_fit_a_later_one_of_the_same_version()
    {
        Assert.Equal(FsStatus.Ok, Begin(7, target: 4));
        Assert.Equal(FsStatus.Ok, Begin(8, target: 5));
        Assert.Equal(FsStatus.Cancelled, End(7, target: 4, isDone: false));
        var late = _files.OrderOf(4, _chunk)!;
        Assert.Equal((1u, 7ul), (late.Version, late.Copy));
        Assert.Equal(FsStatus.Ok, _files.ConfirmOrders(4, late));

        // That one failed is nothing to the others that are under way, and to those that come.
        Assert.Equal(FsStatus.Ok, End(8, target: 5, isDone: true));
        Assert.Equal(FsStatus.Ok, Begin(9, target: 4));
        Assert.Equal(FsStatus.Cancelled, End(9, target: 4, isDone: false));
        Assert.Equal((1u, 9ul), (_files.OrderOf(4, _chunk)!.Version, _files.OrderOf(4, _chunk)!.Copy));

        // A confirmation of the first that comes late is not one of the second.
        Assert.Equal(FsStatus.Ok, _files.ConfirmOrders(4, late));
        Assert.Equal([_chunk.Value], _files.GarbageOf(4));
        _files.Sound();
    }

    /// <summary>What metaservers propose by themselves is nobody else's to ask.</summary>
    [Fact]
    public void None_of_the_clusters_commands_works_under_a_clients_name()
    {
        foreach (var command in new[]
        {
            new MetadataCommand
            {
                RegisterServer = new RegisterServerRequest { Store = 7, Incarnation = 7, Address = "a:1" },
            },
            new MetadataCommand
            {
                SetServerState = new SetServerStateRequest
                {
                    Server = 1, Incarnation = 1, State = Protocol.ServerState.Down,
                },
            },
            new MetadataCommand { ForgetServer = new ForgetServerRequest { Server = 1 } },
            new MetadataCommand { ChangeReplicas = new ChangeReplicasRequest() },
            new MetadataCommand { ConfirmDeleted = new ConfirmDeletedRequest { Server = 1, Incarnation = 1 } },
            new MetadataCommand { BeginCopies = new BeginCopiesRequest() },
            new MetadataCommand { EndCopies = new EndCopiesRequest() },
            new MetadataCommand { EndInventory = new EndInventoryRequest { Server = 1, Incarnation = 1 } },
            new MetadataCommand { SealIdle = new SealIdleRequest { Chunk = 1, Version = 1, Length = 100 } },
        })
        {
            command.Client = 1;
            Assert.Equal(FsStatus.NotPermitted, _files.Command(command));
        }

        Assert.Equal(Protocol.ServerState.Up, State(1));
    }

    private Protocol.ServerState State(uint server)
    {
        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(server), out var row));
        return row.State;
    }

    private uint[] Servers() => [.. _files.Row(_chunk).Replicas.ToArray().Select(server => server.Value)];

    private FsStatus Begin(ulong copy, uint target, uint version = 1, uint source = 1)
    {
        var request = new BeginCopiesRequest();
        request.Copies.Add(new BeginCopiesRequest.Types.Begin
        {
            Copy = copy,
            Chunk = _chunk.Value,
            Version = version,
            Source = source,
            Target = target,
            SizeBytes = 100,
        });
        Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand { BeginCopies = request }));
        return (FsStatus)Assert.Single(_files.Reply.Copies.Statuses);
    }

    private FsStatus End(ulong copy, uint target, bool isDone, uint version = 1)
    {
        var request = new EndCopiesRequest();
        request.Copies.Add(new EndCopiesRequest.Types.End
        {
            Copy = copy,
            Chunk = _chunk.Value,
            Version = version,
            Target = target,
            IsDone = isDone,
        });
        Assert.Equal(FsStatus.Ok, _files.Command(new MetadataCommand { EndCopies = request }));
        return (FsStatus)Assert.Single(_files.Reply.Copies.Statuses);
    }

    private FsStatus Seal(uint version, uint length, bool isTold = false) => _files.Command(new MetadataCommand
    {
        SealIdle = new SealIdleRequest { Chunk = _chunk.Value, Version = version, Length = length, IsTold = isTold },
    });
}
