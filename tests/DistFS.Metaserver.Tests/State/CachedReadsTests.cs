using DistFS.Metadata.Reads;
using DistFS.Metadata.Rows;
using DistFS.Metadata.Store;
using DistFS.Metaserver.State;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.State;

/// <summary>Rows that readers have asked for before: of the moment of each view, whatever happens beside it.</summary>
public sealed class CachedReadsTests : IDisposable
{
    private static readonly ClusterId Cluster = new(new UInt128(1, 2));
    private readonly TempFolder _folder = new();
    private ulong _index;
    private ulong _sequence;
    private ulong _client;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AViewKeepsWhatItHasReadAndTheNextOneHasWhatIsNew()
    {
        using var state = Begin("a");
        var file = Make(state, "f");
        Assert.Equal((0U, true), Look(state, file));
        state.ReadTree(file, (view, file) =>
        {
            Assert.Equal(0U, Owner(view!.Tree, file));
            Own(state, file, 5);
            state.Publish();
            Assert.Equal(0U, Owner(view.Tree, file));
            return true;
        });
        Assert.Equal((5U, true), Look(state, file));
    }

    /// <summary>What an old view reads for the first time is old.</summary>
    [Fact]
    public void WhatAnOldViewReadsIsNotKept()
    {
        using var state = Begin("a");
        var file = Make(state, "f");
        state.ReadTree(file, (view, file) =>
        {
            Own(state, file, 5);
            state.Publish();
            Assert.Equal((0U, true), (Owner(view!.Tree, file), view.Tree.TryFind(InodeId.Root, "f"u8, out _)));
            Apply(state, new Operation
            {
                Unlink = new UnlinkRequest { Parent = InodeId.Root.Value, Name = ByteString.CopyFromUtf8("f") },
            });
            state.Publish();
            Assert.True(view.Tree.TryFind(InodeId.Root, "f"u8, out _));
            return true;
        });
        Assert.False(Look(state, file).IsNamed);
    }

    [Fact]
    public void NamesComeAndGo()
    {
        using var state = Begin("a");
        var file = new InodeId(2);
        for (var i = 0; i < 20; i++)
        {
            Assert.False(Look(state, file).IsNamed);
            Assert.False(Look(state, file).IsNamed);
            file = Make(state, "f");
            Assert.Equal((0U, true), Look(state, file));
            Assert.Equal((0U, true), Look(state, file));
            Own(state, file, 7);
            Assert.Equal((0U, true), Look(state, file));
            state.Publish();
            Assert.Equal((7U, true), Look(state, file));
            Apply(state, new Operation
            {
                Unlink = new UnlinkRequest { Parent = InodeId.Root.Value, Name = ByteString.CopyFromUtf8("f") },
            });
            state.Publish();
        }
    }

    /// <summary>Another state has other rows under the same keys.</summary>
    [Fact]
    public void NothingIsLeftOfAStateThatWasReplaced()
    {
        using var stream = new MemoryStream();
        using var source = Begin("a");
        var file = Make(source, "f");
        Own(source, file, 3);
        var meta = Meta();
        using (var snapshot = source.BeginSnapshot())
        {
            snapshot.WriteTo(stream);
        }

        using var target = Begin("b");
        Assert.Equal(file, Make(target, "f"));
        Assert.Equal((0U, true), Look(target, file));
        Assert.Equal((0U, true), Look(target, file));
        stream.Position = 0;
        target.Restore(stream, meta);
        Assert.Equal((3U, true), Look(target, file));
    }

    /// <summary>
    /// Two files always have one owner, each an older one than the next; readers meet the lane everywhere. A scan goes
    /// to the engine, so it says what the view has.
    /// </summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1 << 20)]
    public async Task ReadersSeeEachMomentWhole(long cacheBytes)
    {
        using var state = Begin("a", new StateOptions { RowCacheBytes = cacheBytes });
        var (one, other) = (Make(state, "one"), Make(state, "other"));
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var published = 0U;
        var begun = Enumerable.Range(0, 3).Select(_ => new TaskCompletionSource()).ToList();
        var readers = begun.Select(ready => Task.Factory.StartNew(
            () =>
            {
                var last = 0U;
                ready.SetResult();
                while (!end.IsCancellationRequested)
                {
                    var before = Volatile.Read(ref published);
                    var (first, second) = state.Read((one, other), static (store, files) =>
                    {
                        var tree = MetadataView.Open(store)!.Tree;
                        Assert.Equal(ScannedOwner(store, files.one), Owner(tree, files.one));
                        return (Owner(tree, files.one), Owner(tree, files.other));
                    });
                    Assert.Equal(first, second);
                    Assert.True(first >= last && first >= before, $"{first} after {last}, {before}");
                    last = first;
                }
            },
            default,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)).ToList();
        await Task.WhenAll(begun.Select(one => one.Task)).WaitAsync(TimeSpan.FromSeconds(30));
        for (var owner = 1U; owner <= 3000 && !end.IsCancellationRequested; owner++)
        {
            Own(state, one, owner);
            Own(state, other, owner);
            state.Publish();
            Volatile.Write(ref published, owner);
        }

        await end.CancelAsync();
        await Task.WhenAll(readers);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(1L << 40)]
    public void SizesOutOfRangeAreRefused(long bytes)
    {
        var error = Assert.Throws<DistFsException>(() => Open("a", new StateOptions { RowCacheBytes = bytes }));
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
    }

    private static (uint Owner, bool IsNamed) Look(MetadataState state, InodeId file) => state.ReadTree(
        file, static (view, file) => (Owner(view!.Tree, file), view.Tree.TryFind(InodeId.Root, "f"u8, out _)));

    private static uint Owner(Metadata.Tree tree, InodeId file) => tree.TryGet(file, out var row) ? row.Uid : 0;

    private static uint ScannedOwner(IOrderedStore store, InodeId file)
    {
        var owner = 0U;
        var key = RowKey.Of(stackalloc byte[RowKey.BytesMax], RowTable.Inode, file);
        store.Scan(key, RowKey.After(stackalloc byte[RowKey.BytesMax], key), (_, value) =>
        {
            owner = InodeRow.Read(value).Uid;
            return true;
        });
        return owner;
    }

    private InodeId Make(MetadataState state, string name)
    {
        var reply = Apply(state, new Operation
        {
            Make = new MakeRequest
            {
                Parent = InodeId.Root.Value,
                Name = ByteString.CopyFromUtf8(name),
                Kind = 8,
                Mode = 0b110_100_100,
            },
        });
        state.Publish();
        return new InodeId(reply.Attributes.Inode);
    }

    private void Own(MetadataState state, InodeId file, uint uid) => Apply(state, new Operation
    {
        SetAttributes = new SetAttributesRequest { Inode = file.Value, Uid = uid },
    });

    private OperationReply Apply(MetadataState state, Operation operation)
    {
        operation.Caller = new Caller();
        var reply = Assert.Single(Apply(state, new MetadataCommand
        {
            Client = _client,
            Sequence = ++_sequence,
            Acknowledged = _sequence - 1,
            LeaderTime = new Time { Seconds = 1000 },
            Mutate = new MutateRequest { Operations = { operation } }.ToByteString(),
        }).Mutate.Replies);
        Assert.Equal(0, reply.Status);
        return reply;
    }

    private MetadataReply Apply(MetadataState state, MetadataCommand command) =>
        MetadataReply.Parser.ParseFrom(state.Apply(new RaftEntry
        {
            Id = new EntryId(new Term(1), new LogIndex(++_index)),
            Kind = EntryKind.Command,
            Data = command.ToByteArray(),
        }).Span);

    private SnapshotMeta Meta() => new()
    {
        Id = 1,
        Last = new EntryId(new Term(1), new LogIndex(_index)),
        Configuration = new RaftConfiguration([new RaftMember(new MemberId(1), new StoreId(1), "")]),
        SizeBytes = 0,
        Checksum = 0,
    };

    private MetadataState Open(string name, StateOptions? options)
    {
        Directory.CreateDirectory(_folder.Sub(name));
        return MetadataState.Open(_folder.Sub(name), Cluster, options);
    }

    /// <summary>A state with the first entries of a cluster and one client.</summary>
    private MetadataState Begin(string name, StateOptions? options = null)
    {
        var state = Open(name, options);
        (_index, _sequence) = (0, 0);
        Apply(state, new MetadataCommand
        {
            Bootstrap = new BootstrapRequest { ClusterHigh = 1, ClusterLow = 2, NameKeyHigh = 3, Mode = 0b111_101_101 },
        });
        var opened = Apply(state, new MetadataCommand
        {
            OpenSession = new OpenSessionRequest { Nonce = 77, LeaseMs = 10_000 },
        });
        _client = opened.OpenSession.Client;
        state.Publish();
        return state;
    }
}
