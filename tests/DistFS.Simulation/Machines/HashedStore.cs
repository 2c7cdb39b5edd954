using System.Buffers;
using DistFS.Metadata.Store;

namespace DistFS.Simulation;

/// <summary>A row before and after a write; null is no row.</summary>
public readonly record struct RowChange(byte[] Key, byte[]? Before, byte[]? After);

/// <summary>The shipped store in memory, with a hash of all rows that a write keeps up to date.</summary>
public sealed class HashedStore : IOrderedStore
{
    private static readonly UInt128 KeyOfKeys = new(0x0706050403020100, 0x0f0e0d0c0b0a0908);

    private readonly ArrayBufferWriter<byte> _value = new();

    /// <summary>With these rows.</summary>
    public HashedStore(MemoryStore rows)
    {
        ArgumentNullException.ThrowIfNull(rows);
        Rows = rows;
        foreach (var (key, value) in rows.Rows)
        {
            Hash += HashOf(key, value);
        }
    }

    /// <summary>The rows.</summary>
    public MemoryStore Rows { get; }

    /// <summary>A sum of one hash per row.</summary>
    public ulong Hash { get; private set; }

    /// <summary>Told what each write changed; null for nobody.</summary>
    public Action<IReadOnlyList<RowChange>>? Written { get; set; }

    /// <inheritdoc/>
    public bool TryRead(ReadOnlySpan<byte> key, IBufferWriter<byte> value) => Rows.TryRead(key, value);

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, RowVisitor row) => Rows.Scan(from, to, row);

    /// <inheritdoc/>
    public void Write(IReadOnlyCollection<KeyValuePair<byte[], byte[]?>> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var told = new List<RowChange>(changes.Count);
        foreach (var (key, after) in changes)
        {
            _value.ResetWrittenCount();
            var before = Rows.TryRead(key, _value) ? _value.WrittenSpan.ToArray() : null;
            Hash -= before == null ? 0 : HashOf(key, before);
            Hash += after == null ? 0 : HashOf(key, after);
            told.Add(new RowChange(key, before, after));
        }

        Rows.Write(changes);
        Written?.Invoke(told);
    }

    private static ulong HashOf(byte[] key, byte[] value) =>
        SipHash.Compute(new UInt128(SipHash.Compute(KeyOfKeys, key), 0), value);
}
