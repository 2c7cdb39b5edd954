using DistFS.Metadata.Chunks;
using DistFS.Metadata.Content;
using DistFS.Metadata.Fsck;
using DistFS.Metadata.Servers;
using Google.Protobuf;

namespace DistFS.Metadata.Tests.Content;

/// <summary>A namespace with five chunk servers, and short words for what is done to the content of files.</summary>
internal sealed class Files
{
    public const uint Chunk = ChunkLayout.ChunkBytes;

    public Files()
    {
        for (uint i = 1; i <= 5; i++)
        {
            Assert.Equal(FsStatus.Ok, Register(i));
            Assert.Equal(FsStatus.Ok, EndInventory(i));
        }

        Place(1, 2, 3);
    }

    public Namespace Fs { get; } = new();

    public ChunkTable Chunks => Fs.Tree.Chunks;

    public MetadataReply Reply { get; private set; } = new();

    /// <summary>Where all new chunks come from here on.</summary>
    public void Place(params uint[] servers) => Fs.Placements = PlacementsOf(200, servers);

    public static Placements PlacementsOf(int count, params uint[] servers)
    {
        var choice = new ChunkPlacement { Goal = 3 };
        choice.Servers.AddRange(servers);
        return new Placements([.. Enumerable.Repeat(choice, count)]);
    }

    public FsStatus Command(MetadataCommand command)
    {
        Reply = ClusterCommands.Apply(Fs.Tree, Fs.Index, command);
        if (Reply.Status == 0)
        {
            Fs.Keep();
        }

        return (FsStatus)Reply.Status;
    }

    /// <summary>A server, new or again; its inventory is to come.</summary>
    public FsStatus Register(uint server) => Command(new MetadataCommand
    {
        RegisterServer = new RegisterServerRequest
        {
            Store = 100 + server,
            Incarnation = 1,
            Address = $"host{server}:1",
        },
    });

    public FsStatus EndInventory(uint server, ulong run = 1) => Command(new MetadataCommand
    {
        EndInventory = new EndInventoryRequest { Server = server, Incarnation = run },
    });

    public FsStatus SetState(uint server, ServerState state) => Command(new MetadataCommand
    {
        SetServerState = new SetServerStateRequest { Server = server, Incarnation = 1, State = state },
    });

    public FsStatus Change(ChunkId chunk, uint server, bool add, uint? version = null, bool lost = false)
    {
        var request = new ChangeReplicasRequest();
        request.Changes.Add(new ChangeReplicasRequest.Types.Change
        {
            Chunk = chunk.Value,
            Version = version ?? Row(chunk).Version.Value,
            Server = server,
            Add = add,
            Lost = lost,
        });
        Assert.Equal(FsStatus.Ok, Command(new MetadataCommand { ChangeReplicas = request }));
        return (FsStatus)Assert.Single(Reply.ChangeReplicas.Statuses);
    }

    /// <summary>A server has done what it is ordered to delete of these.</summary>
    public FsStatus Confirm(uint server, params ChunkId[] chunks) =>
        ConfirmOrders(
            server, [.. chunks.Select(chunk => OrderOf(server, chunk) ?? new DeleteOrder { Chunk = chunk.Value })]);

    public FsStatus ConfirmOrders(uint server, params DeleteOrder[] orders)
    {
        var request = new ConfirmDeletedRequest { Server = server, Incarnation = 1 };
        request.Deleted.AddRange(orders);
        return Command(new MetadataCommand { ConfirmDeleted = request });
    }

    /// <summary>The order to delete a copy; null: there is none.</summary>
    public DeleteOrder? OrderOf(uint server, ChunkId chunk) =>
        Chunks.TryGetGarbage(new ServerId(server), chunk, out var row) ? row.OrderFor(chunk) : null;

    public FsStatus Write(InodeId inode, ulong offset, byte[] data, WriteTime? time = null) =>
        Fs.Apply(WriteOf(inode, offset, data, time));

    public static Operation WriteOf(InodeId inode, ulong offset, byte[] data, WriteTime? time = null) => new()
    {
        WriteInline = new WriteInlineRequest
        {
            Inode = inode.Value,
            Offset = offset,
            Data = ByteString.CopyFrom(data),
            ModifyTime = time,
        },
    };

    public FsStatus SetSize(InodeId inode, ulong size) => Fs.Apply(new Operation
    {
        SetSize = new SetSizeRequest { Inode = inode.Value, Size = size },
    });

    public FsStatus Allocate(InodeId inode, params ulong[] indices)
    {
        var request = new AllocateChunksRequest { Inode = inode.Value };
        request.Indices.AddRange(indices);
        return Fs.Apply(new Operation { AllocateChunks = request });
    }

    /// <summary>Makes one place writable, which must work.</summary>
    public WrittenChunk Open(InodeId inode, ulong index, uint length)
    {
        Assert.Equal(FsStatus.Ok, Allocate(inode, index));
        var info = Assert.Single(Fs.Reply.Chunks);
        return new WrittenChunk { Index = index, Chunk = info.Chunk, Version = info.Version, Length = length };
    }

    public FsStatus Commit(InodeId inode, params WrittenChunk[] chunks) => Commit(inode, null, chunks);

    public FsStatus Commit(InodeId inode, WriteTime? time, params WrittenChunk[] chunks)
    {
        var request = new CommitWriteRequest { Inode = inode.Value, ModifyTime = time };
        request.Chunks.AddRange(chunks);
        return Fs.Apply(new Operation { CommitWrite = request });
    }

    public FsStatus Install(InodeId inode, WrittenChunk chunk) => Fs.Apply(new Operation
    {
        InstallChunk = new InstallChunkRequest { Inode = inode.Value, Chunk = chunk },
    });

    public FsStatus Seal(InodeId inode, params WrittenChunk[] chunks)
    {
        var request = new SealChunksRequest { Inode = inode.Value };
        request.Chunks.AddRange(chunks);
        return Fs.Apply(new Operation { SealChunks = request });
    }

    public FsStatus NewVersion(InodeId inode, WrittenChunk chunk, params uint[] drop)
    {
        var request = new NewVersionRequest { Inode = inode.Value, Chunk = chunk };
        request.Drop.AddRange(drop);
        return Fs.Apply(new Operation { NewVersion = request });
    }

    public FsStatus Share(InodeId from, ulong fromOffset, InodeId to, ulong toOffset, ulong length) =>
        Fs.Apply(new Operation
        {
            ShareRange = new ShareRangeRequest
            {
                FromInode = from.Value,
                FromOffset = fromOffset,
                ToInode = to.Value,
                ToOffset = toOffset,
                Length = length,
            },
        });

    public FsStatus Punch(InodeId inode, ulong offset, ulong length, bool extend = false) => Fs.Apply(new Operation
    {
        PunchRange = new PunchRangeRequest { Inode = inode.Value, Offset = offset, Length = length, Extend = extend },
    });

    /// <summary>A file whose chunks have these lengths and are sealed; 0 is a hole.</summary>
    public InodeId FileOf(string name, params uint[] lengths)
    {
        var inode = Fs.File(InodeId.Root, name, 0b110_110_110);
        for (var i = 0; i < lengths.Length; i++)
        {
            if (lengths[i] > 0)
            {
                var chunk = Open(inode, (ulong)i, lengths[i]);
                Assert.Equal(FsStatus.Ok, Commit(inode, chunk));
                Assert.Equal(FsStatus.Ok, Seal(inode, chunk));
            }
        }

        return inode;
    }

    public bool Release(InodeId inode, int limit)
    {
        var isDone = ContentRelease.ReleaseContent(Fs.Tree, inode, ref limit, Fs.Index);
        Fs.Keep();
        return isDone;
    }

    public bool ReleaseTrimmed(InodeId inode, int limit)
    {
        var isDone = ContentRelease.ReleaseTrimmed(Fs.Tree, inode, ref limit, Fs.Index);
        Fs.Keep();
        return isDone;
    }

    public MapRow Place(InodeId inode, ulong index)
    {
        Assert.True(Chunks.TryGetPlace(inode, index, out var place), $"{inode} has nothing at {index}");
        return place;
    }

    public ChunkRow Row(ChunkId chunk)
    {
        Assert.True(Chunks.TryGet(chunk, out var row), $"{chunk} is gone");
        return row;
    }

    public ChunkRow RowAt(InodeId inode, ulong index) => Row(Place(inode, index).Chunk);

    /// <summary>Bytes of the file at each of its places, as far as they are stored.</summary>
    public uint[] Lengths(InodeId inode, int count) => [.. Enumerable.Range(0, count).Select(index =>
        Chunks.TryGetPlace(inode, (ulong)index, out var place) ? Chunks.LengthOf(place) : 0)];

    public IEnumerable<ulong> GarbageOf(uint server) =>
        Chunks.Garbage(new ServerId(server), default, int.MaxValue).Select(row => row.Chunk.Value);

    public long Size(InodeId inode) => Fs.Row(inode).Size;

    public void Sound() => Assert.Empty(TreeCheck.Run(Fs.Rows(), 7));
}
