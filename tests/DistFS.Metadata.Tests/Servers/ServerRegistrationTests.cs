using DistFS.Metadata.Tests.Content;

namespace DistFS.Metadata.Tests.Servers;

/// <summary>Chunk servers come, change and go.</summary>
public sealed class ServerRegistrationTests
{
    private readonly Files _files = new();

    /// <summary>What a token of the ring stands for does not depend on who comes later.</summary>
    [Fact]
    public void The_first_server_with_room_fixes_the_unit_of_the_ring()
    {
        var files = new Files();
        Assert.Equal(0, files.Fs.Tree.Servers.RingUnit);
        foreach (var (store, capacity) in new[] { (201UL, 1UL << 40), (202UL, 1UL << 50) })
        {
            Assert.Equal(FsStatus.Ok, files.Command(new MetadataCommand
            {
                RegisterServer = new RegisterServerRequest
                {
                    Store = store,
                    Incarnation = 1,
                    Address = "a:1",
                    CapacityBytes = capacity,
                },
            }));
            Assert.Equal(1L << 33, files.Fs.Tree.Servers.RingUnit);
        }
    }

    [Fact]
    public void A_new_one_gets_an_id_and_the_same_when_it_asks_again()
    {
        var request = new RegisterServerRequest
        {
            Store = 500,
            Incarnation = 7,
            Address = "new:1",
            Rack = "r1",
            CapacityBytes = 1UL << 40,
        };
        for (var i = 0; i < 2; i++)
        {
            Ok(Register(request));
            Assert.Equal(6u, _files.Reply.RegisterServer.Server);
        }

        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(6), out var row));
        Assert.Equal(("new:1", "r1", 1UL << 40, 7UL, ServerState.Up),
            (row.Address, row.Rack, row.CapacityBytes, row.Incarnation, row.State));
        Assert.Equal([1u, 2u, 3u, 4u, 5u, 6u], _files.Fs.Tree.Servers.All.Select(server => server.Id.Value));
        _files.Sound();
    }

    [Fact]
    public void Of_two_copies_of_a_folder_the_second_is_refused()
    {
        Ok(Register(Again(incarnation: 2, previous: 1, address: "first")));

        // The reply was lost, or the server stopped before it had noted it: the same again.
        Ok(Register(Again(incarnation: 2, previous: 1, address: "first")));
        Assert.Equal(FsStatus.Stale, Register(Again(incarnation: 3, previous: 1, address: "second")));
        Assert.Equal(FsStatus.Stale, _files.SetState(1, ServerState.Down));
        Ok(Register(Again(incarnation: 4, previous: 2, address: "first")));
        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(1), out var row));
        Assert.Equal(("first", 4UL), (row.Address, row.Incarnation));
        _files.Sound();
    }

    [Fact]
    public void Another_folder_under_an_id_is_refused_and_what_is_incomplete()
    {
        var other = Again(2, 1, "x");
        other.Store = 102;
        Assert.Equal(FsStatus.AlreadyExists, Register(other));
        other.Server = 99;
        Assert.Equal(FsStatus.NotFound, Register(other));
        foreach (var harm in new Action<RegisterServerRequest>[]
        {
            request => request.Store = 0, request => request.Incarnation = 0, request => request.Address = "",
            request => request.Address = new string('a', 256), request => request.Rack = new string('é', 128),
        })
        {
            var request = Again(2, 1, "x");
            harm(request);
            Assert.Equal(FsStatus.Invalid, Register(request));
        }
    }

    [Fact]
    public void What_was_down_comes_back_as_what_it_was()
    {
        Ok(_files.SetState(1, ServerState.Draining));
        Ok(_files.SetState(1, ServerState.Down));
        Ok(_files.SetState(1, ServerState.Down));
        Ok(Register(Again(2, 1, "x")));
        Assert.Equal(ServerState.Draining, State(1));
        Ok(_files.SetState(2, ServerState.Full));
        Ok(_files.SetState(2, ServerState.Down));
        Ok(_files.SetState(2, ServerState.Up));
        Assert.Equal(ServerState.Full, State(2));
        Ok(_files.SetState(2, ServerState.Up));
        Assert.Equal(ServerState.Up, State(2));
        Assert.Equal(FsStatus.Invalid, _files.SetState(2, ServerState.None));
        Assert.Equal(FsStatus.Invalid, _files.SetState(2, (ServerState)5));
        Assert.Equal(FsStatus.NotFound, _files.SetState(9, ServerState.Down));
    }

    [Fact]
    public void It_is_forgotten_when_nothing_is_on_it_and_its_id_is_not_given_again()
    {
        var file = _files.FileOf("f", 10);
        Assert.Equal(FsStatus.Busy, Forget(1));
        Ok(_files.SetState(1, ServerState.Down));
        Assert.Equal(FsStatus.Busy, Forget(1));
        Ok(_files.Change(_files.Place(file, 0).Chunk, 1, add: false));
        Ok(Forget(1));
        Assert.Equal(FsStatus.NotFound, Forget(1));
        Assert.Empty(_files.GarbageOf(1));
        _files.Sound();
        Assert.Equal(FsStatus.NotFound, Register(Again(2, 1, "x")));
        Ok(Register(new RegisterServerRequest { Store = 101, Incarnation = 1, Address = "x" }));
        Assert.Equal(6u, _files.Reply.RegisterServer.Server);
        _files.Sound();
    }

    [Fact]
    public void Much_garbage_is_forgotten_in_steps()
    {
        for (var i = 1UL; i <= 1500; i++)
        {
            _files.Chunks.DropReplica(new ChunkId(i), new ServerId(5), default);
        }

        Ok(_files.SetState(5, ServerState.Down));
        Ok(Forget(5));
        Assert.Equal(1500 - 1024, _files.GarbageOf(5).Count());
        Ok(Forget(5));
        Assert.Equal(FsStatus.NotFound, Forget(5));
        _files.Sound();
    }

    [Fact]
    public void What_is_garbage_is_told_until_it_is_confirmed()
    {
        var file = _files.FileOf("f", 10, 20, 30);
        Ok(_files.SetSize(file, 0));
        var since = _files.Fs.Index;
        var page = _files.Chunks.Garbage(new ServerId(2), new ChunkId(2), 1);
        Assert.Equal((2UL, since, 1u), (page[0].Chunk.Value, page[0].Garbage.Since, page[0].Garbage.Version.Value));
        Assert.Single(page);
        Ok(_files.Confirm(2, new ChunkId(2), new ChunkId(77)));
        Assert.Equal([1UL, 3UL], _files.GarbageOf(2));
        Assert.Equal([1UL, 2UL, 3UL], _files.GarbageOf(1));
        Assert.Equal(FsStatus.NotFound, _files.Confirm(9));
        Assert.Equal(FsStatus.Invalid, _files.Confirm(1, new ChunkId[1025]));
        Assert.Equal(FsStatus.Stale, _files.Command(new MetadataCommand
        {
            ConfirmDeleted = new ConfirmDeletedRequest { Server = 1, Incarnation = 2 },
        }));
        _files.Sound();
    }

    [Fact]
    public void What_a_server_has_is_known_from_its_inventory_until_it_is_down_or_registers()
    {
        Assert.True(IsThrough(1));
        Ok(_files.SetState(1, ServerState.Down));
        Assert.False(IsThrough(1));
        Assert.Equal(FsStatus.Stale, _files.EndInventory(1));
        Ok(_files.SetState(1, ServerState.Up));
        Assert.False(IsThrough(1));
        Ok(_files.EndInventory(1));
        Assert.True(IsThrough(1));
        Ok(_files.Register(1));
        Assert.False(IsThrough(1));
        Assert.Equal(FsStatus.Stale, _files.EndInventory(1, run: 2));
        Assert.Equal(FsStatus.NotFound, _files.EndInventory(9));
        Assert.False(IsThrough(1));
    }

    /// <summary>A confirmation is of one order: late, it does not hide what is garbage since.</summary>
    [Fact]
    public void A_late_confirmation_is_of_what_was_garbage_then()
    {
        var file = _files.FileOf("f", 10);
        var chunk = _files.Place(file, 0).Chunk;
        Ok(_files.Change(chunk, 2, add: false));
        var order = _files.OrderOf(2, chunk)!;
        Ok(_files.ConfirmOrders(2, order));
        Ok(_files.Change(chunk, 2, add: true));
        Ok(_files.Change(chunk, 2, add: false));
        Ok(_files.ConfirmOrders(2, order));
        Assert.Equal([chunk.Value], _files.GarbageOf(2));
        Ok(_files.ConfirmOrders(2, _files.OrderOf(2, chunk)!));
        Assert.Empty(_files.GarbageOf(2));
        _files.Sound();
    }

    private static RegisterServerRequest Again(ulong incarnation, ulong previous, string address) => new()
    {
        Server = 1,
        Store = 101,
        Incarnation = incarnation,
        PreviousIncarnation = previous,
        Address = address,
    };

    private static void Ok(FsStatus status) => Assert.Equal(FsStatus.Ok, status);

    private FsStatus Register(RegisterServerRequest request) =>
        _files.Command(new MetadataCommand { RegisterServer = request });

    private FsStatus Forget(uint server) =>
        _files.Command(new MetadataCommand { ForgetServer = new ForgetServerRequest { Server = server } });

    private bool IsThrough(uint server) =>
        _files.Fs.Tree.Servers.TryGet(new ServerId(server), out var row) && row.IsThrough;

    private ServerState State(uint server)
    {
        Assert.True(_files.Fs.Tree.Servers.TryGet(new ServerId(server), out var row));
        return row.State;
    }
}
