using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using DistFS.Metadata.Rows;
using DistFS.Primitives;

namespace DistFS.Metaserver.State;

/// <summary>
/// Rows for readers, found without the engine: names, inodes and what hangs on them. A fixed number of slots of a fixed
/// size, so nothing is allocated and larger rows are not here; memory is used as slots are.
/// </summary>
/// <remarks>
/// <para>
/// Time is a number (<see cref="_now"/>): even while nothing changes, odd from <see cref="BeginChange"/> to
/// <see cref="EndChange"/>, around each write to the engine. A view has the number of the moment before its snapshot
/// was taken, rounded down. <b>An entry is what every snapshot has that was taken at its moment or later</b>, so a
/// view may use those that are not younger than itself. That is so, since
/// </para>
/// <list type="number">
/// <item>the entry of a row that changes goes, or becomes the new row with the odd number, after the number became odd
/// and before the engine is written;</item>
/// <item>a reader puts what he found only while the number is that of his view, which he asks holding the set: then
/// his snapshot is of now. If the number changes right after, the lane that changes finds the set held, or the
/// entry.</item>
/// </list>
/// <para>
/// Read by any thread without a lock: a set has a sequence number, odd while somebody writes in it, and a read during
/// which it changed found nothing. Who cannot have the set at once does without, except for the lane that changes,
/// which waits for somebody who copies a row into it.
/// </para>
/// </remarks>
internal sealed class RowCache
{
    /// <summary>Least memory of one that keeps anything.</summary>
    public const long BytesMin = 1 << 20;

    /// <summary>Most memory: one array.</summary>
    public const long BytesMax = 1 << 30;

    /// <summary>Of a row with its key: room for an inode, and for a name of some 200 bytes.</summary>
    internal const int RowBytesMax = SlotBytes - HeaderBytes;

    private const int SlotBytes = 256;

    // since 8, key bytes 2, value bytes 2, 0 4; then the key and the value.
    private const int HeaderBytes = 16;
    private const int KeyBytesAt = 8;
    private const int ValueBytesAt = 10;

    /// <summary>Instead of a length: the row is known not to be there.</summary>
    private const ushort Absent = ushort.MaxValue;

    private const int Ways = 4;

    /// <summary>Bytes are touched when a slot is filled, and not before.</summary>
    private readonly byte[] _slots;

    private readonly Set[] _sets;

    /// <summary>Even at rest, odd while rows change.</summary>
    private long _now;

    /// <summary>Whether there may be an entry: who is never asked pays nothing for changes.</summary>
    private bool _isUsed;

    /// <summary>Empty.</summary>
    /// <param name="bytes">Of the rows; 0 keeps nothing.</param>
    public RowCache(long bytes)
    {
        _sets = new Set[bytes / (SlotBytes * Ways)];
        _slots = GC.AllocateUninitializedArray<byte>(_sets.Length * SlotBytes * Ways);
    }

    /// <summary>Of now; a view asks for it before it takes its snapshot.</summary>
    public long Moment => Volatile.Read(ref _now) & ~1L;

    /// <summary>Rows are about to change. One thread changes them, or nobody reads meanwhile.</summary>
    public void BeginChange() => Interlocked.Exchange(ref _now, _now | 1);

    /// <summary>They have changed, for everybody who takes a snapshot from now on.</summary>
    public void EndChange() => Interlocked.Exchange(ref _now, (_now | 1) + 1);

    /// <summary>A row is about to change in the engine.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="value">What it will be; null if it goes.</param>
    public void Change(ReadOnlySpan<byte> key, byte[]? value)
    {
        Check.That((_now & 1) == 1);
        if (!_isUsed || !IsFor(key))
        {
            return;
        }

        var (at, tag) = Place(key);
        ref var set = ref _sets[at];
        var wait = default(SpinWait);
        for (; ; wait.SpinOnce())
        {
            var sequence = Volatile.Read(ref set.Sequence);
            if ((sequence & 1) != 0)
            {
                continue;
            }

            // Whoever gets the set from here on sees that the number is odd, and puts nothing.
            if (Find(set, at, tag, key) is not (>= 0 and var way))
            {
                return;
            }

            if (Interlocked.CompareExchange(ref set.Sequence, sequence + 1, sequence) != sequence)
            {
                continue;
            }

            var isKept = value != null && key.Length + value.Length <= RowBytesMax;
            set.Tags[way] = isKept ? tag : 0;
            if (isKept)
            {
                Write(Slot(at, way), _now, key, value, isAbsent: false);
            }

            Volatile.Write(ref set.Sequence, sequence + 2);
            return;
        }
    }

    /// <summary>
    /// Appends the value of a row to <paramref name="value"/>, as a view has it; null, and nothing appended, if that is
    /// not known here, and false, if it is known that there is none.
    /// </summary>
    public bool? TryRead(long moment, ReadOnlySpan<byte> key, IBufferWriter<byte> value)
    {
        if (!IsFor(key))
        {
            return null;
        }

        var (at, tag) = Place(key);
        ref var set = ref _sets[at];
        var sequence = Volatile.Read(ref set.Sequence);
        if ((sequence & 1) != 0 || Find(set, at, tag, key) is not (>= 0 and var way))
        {
            return null;
        }

        // Until the sequence was looked at again, anything may stand here.
        var slot = Slot(at, way);
        var isYounger = BinaryPrimitives.ReadInt64LittleEndian(slot) > moment;
        var bytes = BinaryPrimitives.ReadUInt16LittleEndian(slot[ValueBytesAt..]);
        var isAbsent = bytes == Absent;
        if (isYounger || (!isAbsent && key.Length + bytes > RowBytesMax))
        {
            return null;
        }

        if (!isAbsent)
        {
            slot.Slice(HeaderBytes + key.Length, bytes).CopyTo(value.GetSpan(bytes));
        }

        Volatile.ReadBarrier();
        if (Volatile.Read(ref set.Sequence) != sequence)
        {
            return null;
        }

        value.Advance(isAbsent ? 0 : bytes);
        return !isAbsent;
    }

    /// <summary>A reader has found a row in the engine, or not: it is kept if that is of now.</summary>
    /// <param name="moment">Of the view.</param>
    /// <param name="key">Its key.</param>
    /// <param name="value">What was found.</param>
    /// <param name="isAbsent">Nothing was found.</param>
    public void Put(long moment, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isAbsent)
    {
        if (!IsFor(key) || key.Length + value.Length > RowBytesMax || Volatile.Read(ref _now) != moment)
        {
            return;
        }

        var (at, tag) = Place(key);
        ref var set = ref _sets[at];
        var sequence = Volatile.Read(ref set.Sequence);
        Volatile.Write(ref _isUsed, true);
        if ((sequence & 1) != 0
            || Interlocked.CompareExchange(ref set.Sequence, sequence + 1, sequence) != sequence)
        {
            return;
        }

        if (Volatile.Read(ref _now) == moment)
        {
            var way = Find(set, at, tag, key);
            way = way >= 0 ? way : Free(ref set);
            set.Tags[way] = tag;
            Write(Slot(at, way), moment, key, value, isAbsent);
        }

        Volatile.Write(ref set.Sequence, sequence + 2);
    }

    /// <summary>What is asked for again and again, and by readers.</summary>
    private bool IsFor(ReadOnlySpan<byte> key) =>
        (RowTable)key[0] is RowTable.Inode or RowTable.Dentry or RowTable.Acl or RowTable.Content
        && key.Length <= RowBytesMax && _sets.Length > 0;

    /// <summary>The set of a key, and what tells it from most others there; never 0.</summary>
    internal (int Set, uint Tag) Place(ReadOnlySpan<byte> key)
    {
        // Who makes keys collide makes them slower to find, and no more.
        const ulong Odd = 0x9E37_79B9_7F4A_7C15;
        var hash = (ulong)key.Length;
        var rest = key;
        for (; rest.Length > sizeof(ulong); rest = rest[sizeof(ulong)..])
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(rest), Odd);
        }

        // The last bytes; those before are there a second time.
        ulong last = 0;
        if (key.Length >= sizeof(ulong))
        {
            last = BinaryPrimitives.ReadUInt64LittleEndian(key[^sizeof(ulong)..]);
        }
        else
        {
            rest.CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref last)));
        }

        hash = Mix(hash ^ last, Odd);
        return ((int)Math.BigMul((ulong)_sets.Length, hash, out _), (uint)hash | 1);

        static ulong Mix(ulong one, ulong other) => Math.BigMul(one, other, out var low) ^ low;
    }

    /// <summary>The way of a key in its set; negative if it is not there.</summary>
    private int Find(in Set set, int at, uint tag, ReadOnlySpan<byte> key)
    {
        for (var way = 0; way < Ways; way++)
        {
            if (set.Tags[way] == tag)
            {
                var slot = Slot(at, way);
                if (BinaryPrimitives.ReadUInt16LittleEndian(slot[KeyBytesAt..]) == key.Length
                    && slot.Slice(HeaderBytes, key.Length).SequenceEqual(key))
                {
                    return way;
                }
            }
        }

        return -1;
    }

    /// <summary>An empty way, or the one that was filled the longest ago.</summary>
    private static int Free(ref Set set)
    {
        for (var way = 0; way < Ways; way++)
        {
            if (set.Tags[way] == 0)
            {
                return way;
            }
        }

        set.Next = (set.Next + 1) % Ways;
        return set.Next;
    }

    private static void Write(
        Span<byte> slot, long since, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isAbsent)
    {
        BinaryPrimitives.WriteInt64LittleEndian(slot, since);
        BinaryPrimitives.WriteUInt16LittleEndian(slot[KeyBytesAt..], (ushort)key.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(slot[ValueBytesAt..], isAbsent ? Absent : (ushort)value.Length);
        key.CopyTo(slot[HeaderBytes..]);
        value.CopyTo(slot[(HeaderBytes + key.Length)..]);
    }

    private Span<byte> Slot(int set, int way) => _slots.AsSpan(((set * Ways) + way) * SlotBytes, SlotBytes);

    [InlineArray(Ways)]
    private struct Four
    {
        private uint _first;
    }

    private struct Set
    {
        /// <summary>Odd while somebody writes in the set.</summary>
        public int Sequence;

        /// <summary>The way that was filled last.</summary>
        public int Next;

        /// <summary>Of the keys; 0 is an empty way.</summary>
        public Four Tags;
    }
}
