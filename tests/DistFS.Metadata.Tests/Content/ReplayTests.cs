using DistFS.Metadata.Fsck;
using DistFS.Metadata.Store;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Content;

/// <summary>
/// Entries about content and servers, in the machine: what a crash leaves, and who may choose servers.
/// </summary>
public sealed class ReplayTests
{
    private static readonly LogIndex First = new(1);

    /// <summary>
    /// At whatever entry the store was left, the log from there on leads to the same rows. What scans (cuts, releases,
    /// clones) sees what was changed and is not in the store yet.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_crash_loses_nothing_that_the_log_has(ulong seed)
    {
        var log = Log(new Prng(seed));
        var (expected, store) = Run(log, flushAt: -1, crashAt: -1);
        Assert.Empty(TreeCheck.Run(store, 5));
        for (var crash = 0; crash < log.Count; crash += 3)
        {
            Assert.Equal(expected, Run(log, flushAt: crash * 2 / 3, crashAt: crash).Rows);
        }
    }

    [Fact]
    public void An_error_of_a_command_leaves_nothing()
    {
        var machine = new MetadataMachine(new MemoryStore());
        var log = Log(new Prng(1));
        for (var i = 0; i < 4; i++)
        {
            machine.Apply(machine.AppliedIndex.Next, log[i].ToByteArray());
        }

        // The first forgets nothing, since the server is up; the second finds it as it was.
        foreach (var (command, expected) in new[]
        {
            (new MetadataCommand { ForgetServer = new ForgetServerRequest { Server = 1 } }, FsStatus.Busy),
            (new MetadataCommand { RegisterServer = new RegisterServerRequest { Server = 1 } }, FsStatus.Invalid),
            (new MetadataCommand
            {
                SetServerState = new SetServerStateRequest { Server = 1, Incarnation = 1, State = ServerState.Down },
            }, FsStatus.Ok),
        })
        {
            var reply = MetadataReply.Parser.ParseFrom(machine.Apply(machine.AppliedIndex.Next, command.ToByteArray()));
            Assert.Equal(expected, (FsStatus)reply.Status);
        }

        Assert.True(machine.Tree!.Servers.TryGet(new ServerId(1), out var row));
        Assert.Equal((ServerState.Down, "host:1"), (row.State, row.Address));
    }

    /// <summary>Choices that are left over by one entry are not there in the next.</summary>
    [Fact]
    public void Servers_come_with_the_entry()
    {
        var machine = new MetadataMachine(new MemoryStore());
        var log = Log(new Prng(1));
        for (var i = 0; i < 6; i++)
        {
            machine.Apply(machine.AppliedIndex.Next, log[i].ToByteArray());
        }

        var allocate = new AllocateChunksRequest { Inode = 2, Indices = { 0, 1 } };
        var one = Mutate(1001, new Operation { AllocateChunks = allocate });
        Assert.Equal(FsStatus.TryAgain, Apply(one));
        one.Sequence = 1002;
        one.Placements.Add(Choice());
        one.Placements.Add(Choice());
        Assert.Equal(FsStatus.Ok, Apply(one));
        Assert.True(machine.Tree!.Chunks.TryGet(new ChunkId(1), out var chunk));
        Assert.Equal(machine.AppliedIndex, chunk.ChangedAt);

        // What collection gives back is garbage from its entry on.
        var unlink = new UnlinkRequest { Parent = 1, Name = ByteString.CopyFromUtf8("a") };
        Assert.Equal(FsStatus.Ok, Apply(Mutate(1003, new Operation { Unlink = unlink })));
        var collect = new MetadataCommand { Collect = new CollectRequest { RowsMax = 10 } };
        machine.Apply(machine.AppliedIndex.Next, collect.ToByteArray());
        Assert.True(machine.Tree.Chunks.TryGetGarbage(new ServerId(1), new ChunkId(1), out var garbage));
        Assert.Equal(machine.AppliedIndex, garbage.Since);

        FsStatus Apply(MetadataCommand command)
        {
            var reply = machine.Apply(machine.AppliedIndex.Next, command.ToByteArray());
            return (FsStatus)Assert.Single(MetadataReply.Parser.ParseFrom(reply).Mutate.Replies).Status;
        }
    }

    private static List<MetadataCommand> Log(Prng prng)
    {
        var log = new List<MetadataCommand>
        {
            new() { Bootstrap = new BootstrapRequest { NameKeyLow = 5, Mode = 0x1ED } },
            new() { OpenSession = new OpenSessionRequest { Nonce = 9, LeaseMs = 10_000 } },
            Register(1), Register(2),
            Mutate(1, Make("a")), Mutate(2, Make("b")),
            Through(1), Through(2),
        };
        for (var i = 3UL; i <= 150; i++)
        {
            var (inode, index) = (2UL + (ulong)prng.NextInt32(2), (ulong)prng.NextInt32(200));
            var operation = prng.NextInt32(6) switch
            {
                0 => new Operation { SetSize = new SetSizeRequest { Inode = inode, Size = index << 26 } },
                1 => new Operation
                {
                    ShareRange = new ShareRangeRequest
                    {
                        FromInode = inode,
                        ToInode = 5 - inode,
                        ToOffset = (index % 100) << 26,
                        Length = 100UL << 26,
                    },
                },
                2 => new Operation
                {
                    PunchRange = new PunchRangeRequest { Inode = inode, Offset = index << 26, Length = 1 << 30 },
                },
                3 => new Operation { Unlink = new UnlinkRequest { Parent = 1, Name = ByteString.CopyFromUtf8("c") } },
                _ => new Operation
                {
                    AllocateChunks = new AllocateChunksRequest { Inode = inode, Indices = { index, index + 1 } },
                },
            };
            log.Add(Mutate(i, operation));
            log[^1].Placements.Add(Choice());
            log[^1].Placements.Add(Choice());
            if (i % 3 == 0)
            {
                var chunk = (ulong)prng.NextInt32((int)i + 1);
                var done = new DeleteOrder { Chunk = chunk, Version = 1 };
                log.Add(new MetadataCommand { Collect = new CollectRequest { RowsMax = 1 + (uint)(i % 50) } });
                log.Add(new MetadataCommand
                {
                    ConfirmDeleted = new ConfirmDeletedRequest { Server = 1, Incarnation = 1, Deleted = { done } },
                });
                log.Add(new MetadataCommand
                {
                    ChangeReplicas = new ChangeReplicasRequest
                    {
                        Changes = { new ChangeReplicasRequest.Types.Change { Chunk = chunk, Version = 1, Server = 1 } },
                    },
                });
            }
        }

        return log;
    }

    private static MetadataCommand Register(uint server) => new()
    {
        RegisterServer = new RegisterServerRequest
        {
            Store = 100 + server,
            Incarnation = 1,
            Address = $"host:{server}",
        },
    };

    private static MetadataCommand Through(uint server) => new()
    {
        EndInventory = new EndInventoryRequest { Server = server, Incarnation = 1 },
    };

    private static ChunkPlacement Choice() => new() { Servers = { 1, 2 }, Goal = 2 };

    private static Operation Make(string name) => new()
    {
        Make = new MakeRequest { Parent = 1, Name = ByteString.CopyFromUtf8(name), Kind = 8, Mode = 0x1A4 },
    };

    private static MetadataCommand Mutate(ulong sequence, Operation operation)
    {
        operation.Caller = new Caller();
        var request = new MutateRequest { Operations = { operation } };
        return new MetadataCommand { Client = 2, Sequence = sequence, Mutate = request.ToByteString() };
    }

    private static (List<string> Rows, MemoryStore Store) Run(List<MetadataCommand> log, int flushAt, int crashAt)
    {
        var store = new MemoryStore();
        var machine = new MetadataMachine(store);
        for (var i = 0; i < log.Count; i++)
        {
            log[i].LeaderTime = new Time { Seconds = 1_800_000_000 };
            machine.Apply(new LogIndex(First.Value + (ulong)i), log[i].ToByteArray());
            if (i == flushAt)
            {
                machine.Flush();
            }

            if (i == crashAt)
            {
                machine = new MetadataMachine(store);
                i = (int)(machine.AppliedIndex.Value - First.Value);
                crashAt = -1;
            }
        }

        machine.Flush();
        var rows = store.Rows.Select(row => Convert.ToHexString(row.Key) + "=" + Convert.ToHexString(row.Value));
        return ([.. rows], store);
    }
}
