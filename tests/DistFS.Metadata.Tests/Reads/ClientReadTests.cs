using DistFS.Metadata.Locks;
using DistFS.Metadata.Reads;
using DistFS.Metadata.Tests.Content;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Reads;

/// <summary>What clients read of paths, maps, servers, quotas and locks, as messages.</summary>
public sealed class ClientReadTests
{
    private readonly Files _files = new();

    private Namespace Fs => _files.Fs;

    [Fact]
    public void A_walk_tells_each_step_and_ends_where_a_name_is_missing()
    {
        var a = Fs.Directory(InodeId.Root, "a", 0b111_101_101);
        var b = Fs.Directory(a, "b", 0b111_101_101);
        var file = Fs.File(b, "f", 0b110_100_100);
        var reply = Walk(InodeId.Root, "a", "b", "f");
        Assert.Equal((int)FsStatus.Ok, reply.Status);
        Assert.Equal([a.Value, b.Value, file.Value], reply.Walked.Select(static step => step.Inode));
        reply = Walk(a, "..", "a", "b", "x", "y");
        Assert.Equal((int)FsStatus.NotFound, reply.Status);
        Assert.Equal([InodeId.Root.Value, a.Value, b.Value], reply.Walked.Select(static step => step.Inode));
        Assert.Equal((int)FsStatus.NotADirectory, Walk(b, "f", "x").Status);
        Assert.Equal((int)FsStatus.Invalid, Walk(InodeId.Root).Status);
        Assert.Equal(
            (int)FsStatus.Invalid,
            Walk(InodeId.Root, [.. Enumerable.Repeat(".", WalkRead.NamesMax + 1)]).Status);
    }

    [Fact]
    public void Who_may_not_search_walks_no_further()
    {
        var secret = Fs.Directory(InodeId.Root, "s", 0b111_000_000);
        Fs.File(secret, "f", 0b110_100_100);
        Fs.Caller = Namespace.User(7, 7);
        var reply = Walk(InodeId.Root, "s", "f");
        Assert.Equal((int)FsStatus.AccessDenied, reply.Status);
        Assert.Equal([secret.Value], reply.Walked.Select(static step => step.Inode));
    }

    /// <summary>By the rights of now, or by the open: rights were asked for when it was opened.</summary>
    [Fact]
    public void A_map_is_for_who_may_read_or_has_it_open()
    {
        var file = _files.FileOf("f", 100);
        Assert.Equal(FsStatus.Ok, Fs.Open(file, 5, Access.Write));
        Assert.Equal(100UL, Map(file).Map.Size);
        var closed = new SetAttributesRequest { Inode = file.Value, Mode = 0b110_000_000 };
        Assert.Equal(FsStatus.Ok, Fs.Apply(new Operation { SetAttributes = closed }));
        Fs.Caller = Namespace.User(7, 7);
        Assert.Equal((int)FsStatus.AccessDenied, Map(file).Status);
        Assert.Equal(100UL, Map(file, handle: 5).Map.Size);
        Assert.Equal((int)FsStatus.BadHandle, Map(file, handle: 6).Status);
        Assert.Equal((int)FsStatus.BadHandle, Map(file, handle: 5, client: 2).Status);
    }

    [Fact]
    public void Servers_are_told_by_id_or_all_of_them()
    {
        var all = Servers(new GetServersRequest());
        Assert.NotEmpty(all);
        Assert.Equal(all.Skip(1), Servers(new GetServersRequest { After = all[0].Server }));
        Assert.Equal([all[^1]], Servers(new GetServersRequest { Servers = { all[^1].Server, 4_711 } }));
        Assert.All(all, static one => Assert.True(one.IsUp && one.Address.Length > 0));
        _files.SetState(all[0].Server, ServerState.Down);
        Assert.False(Servers(new GetServersRequest { Servers = { all[0].Server } })[0].IsUp);
    }

    [Fact]
    public void A_lock_in_the_way_is_told_but_not_ones_own()
    {
        var file = _files.FileOf("f", 100);
        Fs.Open(file, 5, Access.Read | Access.Write);
        var request = new LockRequest
        {
            Inode = file.Value,
            Handle = 5,
            Kind = (uint)LockKind.Posix,
            Owner = 1,
            Exclusive = true,
            First = 10,
            Length = 5,
        };
        Assert.Equal(FsStatus.Ok, Fs.Apply(new Operation { Lock = request }));
        var test = new TestLockRequest { Inode = file.Value, Kind = (uint)LockKind.Posix, Owner = 2, First = 12 };
        var found = Read(new ReadOperation { TestLock = test }).Lock;
        Assert.Equal((true, true, 10UL, 5UL), (found.IsHeld, found.Exclusive, found.First, found.Length));
        test.Owner = 1;
        Assert.False(Read(new ReadOperation { TestLock = test }).Lock.IsHeld);
        test.Kind = 9;
        Assert.Equal((int)FsStatus.Invalid, Read(new ReadOperation { TestLock = test }).Status);
    }

    /// <summary>Only who is told that he began the version may write in it.</summary>
    [Fact]
    public void A_chunk_says_whether_its_version_was_begun_for_this_writer()
    {
        var file = _files.FileOf("f");
        Assert.True(Allocate(file).Begun);
        Assert.False(Allocate(file).Begun);
        var chunk = _files.Open(file, 0, 10);
        Assert.Equal(FsStatus.Ok, _files.Commit(file, chunk));
        Assert.Equal(FsStatus.Ok, _files.NewVersion(file, chunk));
        Assert.True(Fs.Reply.Chunks[0].Begun);
        Assert.False(Allocate(file).Begun);
        var now = _files.Open(file, 0, 10);
        Assert.Equal(FsStatus.Ok, _files.Seal(file, now));
        Assert.True(Allocate(file).Begun);
    }

    private ChunkInfo Allocate(InodeId file)
    {
        Assert.Equal(FsStatus.Ok, _files.Allocate(file, 0));
        return Fs.Reply.Chunks[0];
    }

    private Google.Protobuf.Collections.RepeatedField<ServerPlace> Servers(GetServersRequest request) =>
        Read(new ReadOperation { GetServers = request }).Servers.Servers;

    private ReadOperationReply Map(InodeId file, ulong? handle = null, ulong client = 1)
    {
        var request = new GetFileMapRequest { Inode = file.Value };
        if (handle is { } given)
        {
            request.Handle = given;
        }

        return Read(new ReadOperation { GetFileMap = request }, client);
    }

    private ReadOperationReply Walk(InodeId from, params string[] names)
    {
        var request = new WalkRequest { From = from.Value };
        request.Names.AddRange(names.Select(ByteString.CopyFromUtf8));
        return Read(new ReadOperation { Walk = request });
    }

    private ReadOperationReply Read(ReadOperation operation, ulong client = 1) =>
        ReadOperations.Apply(Fs.Reading with { Client = new ClientId(client) }, operation);
}
