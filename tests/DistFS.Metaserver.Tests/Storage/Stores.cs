using DistFS.Metaserver.Storage;

namespace DistFS.Metaserver.Tests.Storage;

/// <summary>Small stores and their entries, for tests.</summary>
internal static class Stores
{
    public static readonly RaftStoreOptions Options = new()
    {
        SegmentBytes = 4096,
        CacheBytes = 600,
        EntryBytesMax = 64 << 10,
    };

    public static readonly Identity Identity = new(new ClusterId(7), new MemberId(2), new StoreId(0x1122334455667788));

    public static readonly RaftConfiguration Three = new([
        new RaftMember(new MemberId(1), new StoreId(11), "a:1"),
        new RaftMember(new MemberId(2), new StoreId(0x1122334455667788), "b:1"),
        new RaftMember(new MemberId(3), new StoreId(33), "c:1"),
    ]);

    public static FaultyDisk Format()
    {
        var disk = new FaultyDisk();
        RaftStore.Format(disk, Identity, Three);
        return disk;
    }

    public static RaftStore Open(IDisk disk, ulong seed = 1) => RaftStore.Open(disk, Options, new Prng(seed));

    /// <summary>A new store at a term.</summary>
    public static RaftStore New(out FaultyDisk disk, ulong term = 1)
    {
        disk = Format();
        var store = Open(disk);
        store.SetHardState(Hard(term));
        store.Sync();
        return store;
    }

    public static HardState Hard(ulong term, ulong vote = 0, ulong commit = 0) =>
        new(new Term(term), new MemberId(vote), new LogIndex(commit));

    public static EntryId Id(ulong term, ulong index) => new(new Term(term), new LogIndex(index));

    public static RaftEntry Entry(ulong term, ulong index, int bytes = 20)
    {
        var data = new byte[bytes];
        new Prng((term * 1_000_003) + index).Fill(data);
        return new RaftEntry { Id = Id(term, index), Data = data };
    }

    public static RaftEntry[] Entries(ulong term, ulong from, ulong to, int bytes = 20) =>
        [.. Enumerable.Range((int)from, (int)(to - from) + 1).Select(index => Entry(term, (ulong)index, bytes))];

    public static void AppendSynced(this RaftStore store, params RaftEntry[] entries)
    {
        store.Append(entries);
        store.Sync();
    }

    /// <summary>Every entry, read in small pieces.</summary>
    public static List<RaftEntry> ReadAll(this RaftStore store, long bytesMax = 1000)
    {
        var all = new List<RaftEntry>();
        for (var at = store.Compacted.Index.Next; at <= store.Last.Index; at = all[^1].Index.Next)
        {
            all.AddRange(store.Read(at, store.Last.Index, bytesMax));
        }

        return all;
    }

    public static bool Same(RaftEntry one, RaftEntry other) =>
        one.Id == other.Id && one.Kind == other.Kind && one.Data.Span.SequenceEqual(other.Data.Span);

    public static void AssertSame(IReadOnlyList<RaftEntry> expected, IReadOnlyList<RaftEntry> actual)
    {
        Assert.Equal(expected.Select(entry => entry.Id), actual.Select(entry => entry.Id));
        Assert.All(expected.Zip(actual), pair => Assert.True(Same(pair.First, pair.Second)));
    }

    public static byte[] Bytes(int count, ulong seed)
    {
        var bytes = new byte[count];
        new Prng(seed).Fill(bytes);
        return bytes;
    }

    public static SnapshotMeta TakeSnapshot(this RaftStore store, ulong term, ulong index, int bytes = 100)
    {
        using var writer = store.BeginSnapshot(Id(term, index), Three);
        writer.Write(Bytes(bytes, index));
        return writer.Commit()!;
    }

    /// <summary>What a leader sends.</summary>
    public static SnapshotMeta Foreign(ulong term, ulong index, byte[] bytes) => new()
    {
        Id = (term << 32) + index,
        Last = Id(term, index),
        Configuration = Three,
        SizeBytes = bytes.Length,
        Checksum = Crc32C.Compute(bytes),
    };

    public static SnapshotPiece Piece(SnapshotMeta meta, byte[] bytes, int offset, int length) => new()
    {
        From = new MemberId(1),
        To = new MemberId(2),
        Term = meta.Last.Term,
        Snapshot = meta,
        Offset = offset,
        Length = length,
        Data = bytes.AsMemory(offset, length),
    };

    public static bool Receive(this RaftStore store, ulong term, ulong index, int bytes = 700)
    {
        var content = Bytes(bytes, index);
        var meta = Foreign(term, index, content);
        store.WritePiece(Piece(meta, content, 0, bytes / 2));
        store.WritePiece(Piece(meta, content, bytes / 2, bytes - (bytes / 2)));
        store.Sync();
        return store.Install(meta);
    }
}
