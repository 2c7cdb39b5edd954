using System.Buffers;
using System.Text;
using DistFS.Metaserver.State;
using DistFS.Metaserver.Tests.Consensus;
using DistFS.Protocol;
using Google.Protobuf;

namespace DistFS.Metaserver.Tests.State;

/// <summary>The metadata over RocksDB: restarts, crashes, snapshots, and folders that are not ours.</summary>
public sealed class MetadataStateTests : IDisposable
{
    // Its entry is the second one.
    private const ulong Session = 2;

    private static readonly ClusterId Cluster = new(new UInt128(1, 2));
    private readonly TempFolder _folder = new();
    private ulong _index;
    private ulong _sequence;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AStopLosesNothingAndAStartAppliesNothing()
    {
        byte[] before;
        using (var state = Begin("a"))
        {
            Make(state, 100);
            before = Rows(state);
        }

        using var again = Open("a");
        Assert.Equal(_index, again.AppliedIndex.Value);
        Assert.Equal(before, Rows(again));
    }

    /// <summary>A start needs the processors itself; later the engine puts its tables in order.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TheEngineCompactsOnceTheStartIsLongAgo(bool isLongAgo)
    {
        var after = isLongAgo ? TimeSpan.Zero : TimeSpan.FromHours(1);
        Directory.CreateDirectory(_folder.Sub("a"));
        using var state = MetadataState.Open(_folder.Sub("a"), Cluster, new StateOptions { CompactsAfter = after });
        Assert.False(state.Compacts);
        state.Publish();
        Assert.Equal(isLongAgo, state.Compacts);
    }

    /// <summary>All who read between two changes share one view: it must be gone with the change.</summary>
    [Fact]
    public void WhatWasPublishedIsReadAndNothingElse()
    {
        using var state = Begin("a");
        for (var i = 0; i < 50; i++)
        {
            var before = Rows(state);
            state.Apply(MakeEntry($"f{i}"));
            Assert.Equal(before, Rows(state));
            state.Publish();
            Assert.NotEqual(before, Rows(state));
        }
    }

    /// <summary>Beside a writer: what one thread read before stays read, whoever made the view.</summary>
    [Fact]
    public async Task ReadersNeverGoBack()
    {
        using var state = Begin("a");
        using var end = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 3).Select(_ => Task.Run(() =>
        {
            var last = 0UL;
            while (!end.IsCancellationRequested)
            {
                var published = state.AppliedIndex.Value;
                var entries = state.ReadTree(0, static (view, _) =>
                    view!.Tree.TryGet(InodeId.Root, out var root) ? root.Entries : 0);

                // An entry makes one name; the first of them all makes the tree, the second the session.
                Assert.True(entries >= last && entries + 2 >= published, $"{entries} after {last}, {published}");
                last = entries;
            }
        })).ToList();
        for (var i = 0; i < 3000; i++)
        {
            state.Apply(MakeEntry($"f{i}"));
            state.Publish();
        }

        await end.CancelAsync();
        await Task.WhenAll(readers);
    }

    /// <summary>Without the engine's log a crash takes back rows and index together, never one without the
    /// other.</summary>
    [Fact]
    public void ACrashComesBackToAnEarlierEntryAndGoesOnFromThere()
    {
        using var state = Begin("a");
        var entries = new List<RaftEntry>();
        for (var i = 0; i < 300; i++)
        {
            var entry = MakeEntry($"f{i}");
            entries.Add(entry);
            state.Apply(entry);
            if (i % 7 == 0)
            {
                state.Publish();
            }

            if (i == 150)
            {
                // Flushes what there is.
                state.BeginSnapshot().Dispose();
            }
        }

        state.Publish();
        var expected = Rows(state);
        Directory.CreateDirectory(_folder.Sub("crashed/state"));
        foreach (var name in Directory.EnumerateFiles(_folder.Sub("a/state")).Select(Path.GetFileName))
        {
            if (name != "LOCK")
            {
                File.Copy(_folder.Sub($"a/state/{name}"), _folder.Sub($"crashed/state/{name}"));
            }
        }

        using var after = Open("crashed");
        Assert.InRange(after.AppliedIndex.Value, entries[150].Index.Value, entries[298].Index.Value);
        foreach (var entry in entries.Where(entry => entry.Index > after.AppliedIndex))
        {
            after.Apply(entry);
        }

        after.Publish();
        Assert.Equal(expected, Rows(after));
    }

    [Fact]
    public void ASnapshotIsTheStateOfItsMomentAndReplacesAnother()
    {
        using var source = Begin("a");
        Make(source, 50);
        var expected = Rows(source);
        var meta = Meta(source.AppliedIndex);
        using var snapshot = source.BeginSnapshot();
        Make(source, 50);
        using var stream = new MemoryStream();
        snapshot.WriteTo(stream);

        using var target = Open("b");
        stream.Position = 0;
        target.Restore(stream, meta);
        Assert.Equal(meta.Last.Index, target.AppliedIndex);
        Assert.Equal(expected, Rows(target));

        // It goes on, and keeps it.
        var next = new RaftEntry { Id = new EntryId(new Term(1), meta.Last.Index.Next), Data = default };
        target.Apply(next);
        target.Publish();
        target.Dispose();
        using var again = Open("b");
        Assert.Equal(next.Index, again.AppliedIndex);
    }

    [Fact]
    public async Task ReadersGoOnWhileASnapshotIsPutInPlace()
    {
        using var source = Begin("a");
        Make(source, 20);
        using var stream = new MemoryStream();
        using (var snapshot = source.BeginSnapshot())
        {
            snapshot.WriteTo(stream);
        }

        using var stop = new CancellationTokenSource();
        using var target = Open("b");
        var reads = new int[4];
        var readers = Enumerable.Range(0, reads.Length).Select(reader => Task.Run(() =>
        {
            var sizes = new HashSet<int>();
            while (!stop.IsCancellationRequested)
            {
                sizes.Add(Rows(target).Length);
                Interlocked.Increment(ref reads[reader]);
            }

            return sizes;
        })).ToArray();
        for (var i = 0; i < 5; i++)
        {
            // Each has read since the last one, and is at it.
            var before = reads.ToArray();
            await Eventually.True(() => reads.Zip(before).All(pair => pair.First > pair.Second));
            stream.Position = 0;
            target.Restore(stream, Meta(source.AppliedIndex));
        }

        await stop.CancelAsync();
        var whole = Rows(source).Length;
        foreach (var sizes in await Task.WhenAll(readers))
        {
            // All or nothing of it, and both were seen.
            Assert.Equal(new HashSet<int> { 0, whole }, sizes);
        }
    }

    [Fact]
    public void AStateOfAnotherClusterIsRefused()
    {
        Begin("a").Dispose();
        var error = Assert.Throws<DistFsException>(
            () => MetadataState.Open(_folder.Sub("a"), new ClusterId(new UInt128(9, 9))));
        Assert.Equal(ErrorCatalog.StateRefused, error.Code);
        Open("a").Dispose();
    }

    [Fact]
    public void ASnapshotOfAnotherClusterIsRefused()
    {
        using var stream = new MemoryStream();
        using var source = Begin("a");
        using (var snapshot = source.BeginSnapshot())
        {
            snapshot.WriteTo(stream);
        }

        Directory.CreateDirectory(_folder.Sub("b"));
        using var target = MetadataState.Open(_folder.Sub("b"), new ClusterId(new UInt128(9, 9)));
        stream.Position = 0;
        var error = Assert.Throws<DistFsException>(() => target.Restore(stream, Meta(source.AppliedIndex)));
        Assert.Equal(ErrorCatalog.StateRefused, error.Code);
    }

    [Fact]
    public void AStreamThatIsNoSnapshotIsRefusedAndHarmsNothing()
    {
        using var stream = new MemoryStream();
        using var source = Begin("a");
        using (var snapshot = source.BeginSnapshot())
        {
            snapshot.WriteTo(stream);
        }

        var whole = stream.ToArray();
        using var target = Begin("b");
        var before = Rows(target);
        foreach (var bytes in Spoilt(whole))
        {
            using var spoilt = new MemoryStream(bytes);
            var error = Assert.Throws<DistFsException>(() => target.Restore(spoilt, Meta(source.AppliedIndex)));
            Assert.Equal(ErrorCatalog.StateRefused, error.Code);
            Assert.Equal(before, Rows(target));
        }

        Assert.Empty(Directory.EnumerateFiles(_folder.Path));
    }

    /// <summary>The process ended between two of the steps, or in one: the member takes the snapshot again.</summary>
    [Theory]
    [InlineData("incoming")]
    [InlineData("removed")]
    [InlineData("outgoing")]
    [InlineData("outgoing.tmp")]
    public void WhatAnInterruptedRestoreOrSnapshotLeftIsRemoved(string leftover)
    {
        Begin("a").Dispose();
        Directory.Move(_folder.Sub("a/state"), _folder.Sub($"a/{leftover}"));
        File.Delete(_folder.Sub($"a/{leftover}/CURRENT"));
        using var state = Open("a");
        Assert.Equal(0UL, state.AppliedIndex.Value);
        Assert.Equal(["state"], Directory.EnumerateDirectories(_folder.Sub("a")).Select(Path.GetFileName));
    }

    [Fact]
    public void OptionsOutOfRangeAreRefused()
    {
        var error = Assert.Throws<DistFsException>(
            () => MetadataState.Open(_folder.Path, Cluster, new StateOptions { CacheBytes = 1 }));
        Assert.Equal(ErrorCatalog.Configuration, error.Code);
    }

    private static IEnumerable<byte[]> Spoilt(byte[] whole)
    {
        foreach (var length in new[] { 0, 3, 11, 15, 20, whole.Length / 2, whole.Length - 1 })
        {
            yield return whole[..length];
        }

        var other = whole.ToArray();
        other[0] ^= 1;
        yield return other;
        var newer = whole.ToArray();
        newer[8] = 2;
        yield return newer;
        foreach (var name in new[] { "..", ".", "../x", "/x", "x\0" })
        {
            yield return [.. whole[..12], (byte)name.Length, 0, 0, 0, .. Encoding.UTF8.GetBytes(name), .. new byte[12]];
        }
    }

    private static SnapshotMeta Meta(LogIndex last) => new()
    {
        Id = 1,
        Last = new EntryId(new Term(1), last),
        Configuration = new RaftConfiguration([new RaftMember(new MemberId(1), new StoreId(1), "")]),
        SizeBytes = 0,
        Checksum = 0,
    };

    private static byte[] Rows(MetadataState state) => state.Read(0, static (store, _) =>
    {
        var all = new ArrayBufferWriter<byte>();
        store.Scan([], [0xFF, 0xFF], (key, value) =>
        {
            all.Write(key);
            all.Write(value);
            return true;
        });
        return all.WrittenSpan.ToArray();
    });

    private MetadataState Open(string name)
    {
        Directory.CreateDirectory(_folder.Sub(name));
        return MetadataState.Open(_folder.Sub(name), Cluster);
    }

    /// <summary>A state with the first entries of a cluster and one client.</summary>
    private MetadataState Begin(string name)
    {
        var state = Open(name);
        (_index, _sequence) = (0, 0);
        state.Apply(Entry(new MetadataCommand
        {
            Bootstrap = new BootstrapRequest
            {
                ClusterHigh = 1,
                ClusterLow = 2,
                NameKeyHigh = 3,
                NameKeyLow = 4,
                Mode = 0b111_101_101,
            },
        }));
        state.Apply(Entry(new MetadataCommand
        {
            OpenSession = new OpenSessionRequest { Nonce = 77, LeaseMs = 10_000 },
        }));
        state.Publish();
        return state;
    }

    private void Make(MetadataState state, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var reply = MetadataReply.Parser.ParseFrom(state.Apply(MakeEntry($"{_index}")).Span);
            Assert.Equal(0, Assert.Single(reply.Mutate.Replies).Status);
        }

        state.Publish();
    }

    private RaftEntry MakeEntry(string name) => Entry(new MetadataCommand
    {
        Client = Session,
        Sequence = ++_sequence,
        Acknowledged = _sequence - 1,
        LeaderTime = new Time { Seconds = 1000 },
        Mutate = new MutateRequest
        {
            Operations =
            {
                new Operation
                {
                    Caller = new Caller(),
                    Make = new MakeRequest
                    {
                        Parent = InodeId.Root.Value,
                        Name = ByteString.CopyFromUtf8(name),
                        Kind = 8,
                        Mode = 0b110_100_100,
                    },
                },
            },
        }.ToByteString(),
    });

    private RaftEntry Entry(MetadataCommand command) => new()
    {
        Id = new EntryId(new Term(1), new LogIndex(++_index)),
        Kind = EntryKind.Command,
        Data = command.ToByteArray(),
    };
}
