using System.Buffers.Binary;
using DistFS.Native.RocksDb;

namespace DistFS.Native.Tests;

/// <summary>A database of one test in a folder of its own.</summary>
internal sealed class TestDb : IDisposable
{
    public static readonly RocksDbOptions Create = new() { CreateIfMissing = true };

    /// <summary>Small files, plain bytes on disk, and nothing in the background.</summary>
    public static readonly ColumnFamilyOptions Plain = new()
    {
        Compression = Compression.None,
        BlockBytes = 1024,
        DisableAutoCompactions = true,
    };

    private readonly TempFolder _folder = new();

    public TestDb(RocksDbOptions? options = null, params IReadOnlyList<ColumnFamilyDescriptor> families) =>
        Open(options ?? Create, families.Count > 0 ? families : [new ColumnFamilyDescriptor("default", Plain)]);

    public TestDb(ColumnFamilyOptions options)
        : this(null, new ColumnFamilyDescriptor("default", options))
    {
    }

    public Db Db { get; private set; } = null!;

    public string Path => _folder.Sub("db");

    public ColumnFamily Default => Db.DefaultColumnFamily;

    public static byte[] Key(int number)
    {
        var key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, number);
        return key;
    }

    public static byte[] Value(int number, int length = 100)
    {
        var value = new byte[length];
        new Prng((ulong)number).Fill(value);
        return value;
    }

    public string Sub(string name) => _folder.Sub(name);

    public void Put(int from, int to, WriteSettings settings)
    {
        for (var i = from; i < to; i++)
        {
            Db.Put(Default, Key(i), Value(i), settings);
        }
    }

    public void Reopen(RocksDbOptions? options = null, params IReadOnlyList<ColumnFamilyDescriptor> families)
    {
        Db.Dispose();
        Open(options ?? Create, families.Count > 0 ? families : [new ColumnFamilyDescriptor("default", Plain)]);
    }

    public void Dispose()
    {
        Db.Dispose();
        _folder.Dispose();
    }

    private void Open(RocksDbOptions options, IReadOnlyList<ColumnFamilyDescriptor> families) =>
        Db = DistFS.Native.RocksDb.RocksDb.Open(options, Path, families);
}
