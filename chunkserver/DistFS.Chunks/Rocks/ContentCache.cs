using System.Collections.Concurrent;
using DistFS.Primitives;

namespace DistFS.Chunks;

/// <summary>A block of a chunk in one of the stores that share a <see cref="ContentCache"/>.</summary>
/// <param name="Store">The number that the store was given.</param>
/// <param name="Chunk">The chunk.</param>
/// <param name="Block">The block.</param>
internal readonly record struct ContentKey(int Store, ChunkId Chunk, BlockIndex Block)
{
    /// <summary>Evenly, since it also chooses a place (the finalizer of SplitMix64).</summary>
    public ulong Hash
    {
        get
        {
            var hash = (Chunk.Value * 0x9E37_79B9_7F4A_7C15) + (((ulong)(uint)Store << 32) | Block.Value);
            hash = (hash ^ (hash >> 30)) * 0xBF58_476D_1CE4_E5B9;
            hash = (hash ^ (hash >> 27)) * 0x94D0_49BB_1331_11EB;
            return hash ^ (hash >> 31);
        }
    }

    /// <inheritdoc/>
    public override int GetHashCode() => (int)Hash;
}

/// <summary>
/// Contents of blocks that small reads ask for again and again: verified and decoded, in memory of fixed size, for the
/// stores of a server together (docs/design/chunk-store.md). Any thread.
/// </summary>
/// <remarks>
/// <para>
/// A content is of the plan that it was read by, and is given out only for an equal one: so nobody has to tell the
/// cache of a change, and a change that comes while a content is being read makes it useless, not wrong.
/// </para>
/// <para>
/// Memory may go bad: each 4 KiB have a checksum from when they were decoded, and that one is sent with them. Who reads
/// takes no lock: frames have a stamp, which is looked at before and after the bytes are copied.
/// </para>
/// </remarks>
public sealed class ContentCache
{
    /// <summary>Bytes that have a checksum.</summary>
    private const int PageBytes = 4 << 10;

    private const int PagesPerBlock = ChunkLayout.BlockBytes / PageBytes;
    private const int FramesPerSlab = 16;
    private const int AskedPerFrame = 8;

    private readonly Frame?[] _frames;
    private readonly ConcurrentDictionary<ContentKey, Frame> _places = new();

    /// <summary>Blocks that were asked for once, by their hash: only who is asked for again gets a frame.</summary>
    private readonly ulong[] _asked;

    private readonly Lock _gate = new();
    private byte[] _slab = [];
    private int _made;
    private int _hand;
    private int _stores;

    /// <summary>Makes an empty one; memory is taken as it fills.</summary>
    /// <param name="bytes">As many contents of 64 KiB as fit, one at least.</param>
    public ContentCache(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
        _frames = new Frame?[(int)Math.Clamp(bytes / ChunkLayout.BlockBytes, 1, 1 << 20)];
        _asked = new ulong[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)(AskedPerFrame * _frames.Length))];
    }

    /// <summary>How many contents it has.</summary>
    internal int Count => _places.Count;

    /// <summary>The number of one more store that uses it.</summary>
    internal int AddStore() => Interlocked.Increment(ref _stores);

    /// <summary>Makes a patch from a content that is here, in the state that a plan names.</summary>
    /// <returns>The length of the patch; 0 when the content is not here.</returns>
    internal int TryRead(in ContentKey key, in BlockPlan plan, in BlockRange range, Span<byte> destination)
    {
        if (!_places.TryGetValue(key, out var frame))
        {
            return 0;
        }

        var stamp = Volatile.Read(ref frame.Stamp);
        if (stamp % 2 != 0 || frame.Key != key || !frame.Plan.Equals(plan))
        {
            return 0;
        }

        var sum = SumOf(frame, range);
        frame.Memory.Span.Slice(range.Offset, range.Length).CopyTo(destination[PieceHeader.Bytes..]);
        Volatile.ReadBarrier();
        if (Volatile.Read(ref frame.Stamp) != stamp)
        {
            return 0;
        }

        if (!frame.IsUsed)
        {
            frame.IsUsed = true;
        }

        if (sum is { } known)
        {
            return PieceHeader.SealPatch(destination, key.Block, range.Offset, range.Length, known);
        }

        // The memory has gone bad: the block is read from the disk again.
        Drop(key);
        return 0;
    }

    /// <summary>Makes a patch from pieces, and keeps the content that they make if it is asked for often.</summary>
    /// <param name="key">Whose pieces.</param>
    /// <param name="plan">What they were read by.</param>
    /// <param name="range">Which bytes.</param>
    /// <param name="pieces">In their order.</param>
    /// <param name="destination">At least the length and 24 bytes.</param>
    /// <param name="written">The length of the patch; 0 when there is a fault.</param>
    internal PieceFault Encode(
        in ContentKey key,
        in BlockPlan plan,
        in BlockRange range,
        ReadOnlySpan<StoredPiece> pieces,
        Span<byte> destination,
        out int written)
    {
        if (!IsWanted(key) || Take(key) is not { } frame)
        {
            return BlockCodec.EncodeRange(
                key.Block, pieces, range.Offset, range.Length, destination, out written);
        }

        var fault = PieceFault.Content;
        written = 0;
        try
        {
            fault = BlockCodec.Merge(key.Block, pieces, frame.Memory.Span);
            if (fault == PieceFault.None)
            {
                for (var page = 0; page < PagesPerBlock; page++)
                {
                    frame.Sums[page] = Crc32C.Compute(frame.Page(page));
                }

                frame.Memory.Span.Slice(range.Offset, range.Length).CopyTo(destination[PieceHeader.Bytes..]);
                written = PieceHeader.Seal(
                    destination, PieceKind.Patch, PieceCodec.Raw, key.Block, range.Offset, range.Length, range.Length);
            }
        }
        finally
        {
            Give(frame, key, plan, isWhole: fault == PieceFault.None);
        }

        return fault;
    }

    /// <summary>Forgets a content: somebody was given bytes of it that were wrong.</summary>
    internal void Drop(in ContentKey key)
    {
        lock (_gate)
        {
            if (_places.TryRemove(key, out var frame))
            {
                Empty(frame);
                frame.Stamp += 2;
            }
        }
    }

    /// <summary>For tests: memory that has gone bad.</summary>
    internal bool Damage(in ContentKey key, int at)
    {
        if (!_places.TryGetValue(key, out var frame))
        {
            return false;
        }

        frame.Memory.Span[at] ^= 1;
        return true;
    }

    /// <summary>
    /// The checksum that bytes of a content should have. Whole pages have theirs; of others the pages are looked at
    /// here. Null: they are wrong.
    /// </summary>
    private static uint? SumOf(Frame frame, in BlockRange range)
    {
        var (first, end) = (range.Offset / PageBytes, (range.End + PageBytes - 1) / PageBytes);
        var sum = frame.Sums[first];
        if (range.Offset % PageBytes == 0 && range.Length % PageBytes == 0)
        {
            for (var page = first + 1; page < end; page++)
            {
                sum = Crc32C.Combine(sum, frame.Sums[page], PageBytes);
            }

            return sum;
        }

        for (var page = first; page < end; page++)
        {
            if (Crc32C.Compute(frame.Page(page)) != frame.Sums[page])
            {
                return null;
            }
        }

        return Crc32C.Compute(frame.Memory.Span.Slice(range.Offset, range.Length));
    }

    /// <summary>Whether a block was asked for before, not long ago.</summary>
    private bool IsWanted(in ContentKey key)
    {
        var hash = key.Hash;
        ref var slot = ref _asked[hash & (ulong)(_asked.Length - 1)];
        if (Volatile.Read(ref slot) == hash)
        {
            return true;
        }

        Volatile.Write(ref slot, hash);
        return false;
    }

    /// <summary>A frame for a block, to be filled by the caller alone; null when none is free.</summary>
    private Frame? Take(in ContentKey key)
    {
        lock (_gate)
        {
            if (!_places.TryRemove(key, out var frame))
            {
                frame = _made < _frames.Length ? MakeUnderGate() : VictimUnderGate();
                if (frame?.Key is { } old)
                {
                    _places.TryRemove(old, out _);
                }
            }

            if (frame == null)
            {
                return null;
            }

            Empty(frame);
            frame.IsTaken = true;
            frame.Stamp++;
            Interlocked.MemoryBarrier();
            return frame;
        }
    }

    private void Give(Frame frame, in ContentKey key, in BlockPlan plan, bool isWhole)
    {
        lock (_gate)
        {
            // Whoever was faster with the same block has its place.
            if (isWhole && _places.TryAdd(key, frame))
            {
                (frame.Key, frame.Plan, frame.IsUsed) = (key, plan, true);
            }

            frame.IsTaken = false;
            Volatile.Write(ref frame.Stamp, frame.Stamp + 1);
        }
    }

    private Frame MakeUnderGate()
    {
        var within = _made % FramesPerSlab;
        if (within == 0)
        {
            var count = Math.Min(FramesPerSlab, _frames.Length - _made);
            _slab = GC.AllocateUninitializedArray<byte>(count * ChunkLayout.BlockBytes, pinned: true);
        }

        var frame = new Frame(_slab.AsMemory(within * ChunkLayout.BlockBytes, ChunkLayout.BlockBytes));
        _frames[_made++] = frame;
        return frame;
    }

    /// <summary>The first one that was not used since the hand came by last (CLOCK).</summary>
    private Frame? VictimUnderGate()
    {
        for (var i = 0; i < 2 * _frames.Length; i++)
        {
            var frame = _frames[_hand]!;
            _hand = (_hand + 1) % _frames.Length;
            if (frame.IsTaken)
            {
                continue;
            }

            if (!frame.IsUsed)
            {
                return frame;
            }

            frame.IsUsed = false;
        }

        return null;
    }

    private static void Empty(Frame frame) => (frame.Key, frame.Plan, frame.IsUsed) = (null, default, false);

    /// <summary>Room for the content of one block.</summary>
    private sealed class Frame(Memory<byte> memory)
    {
        /// <summary>Even: what is here stands still. Odd: it is being filled. Written under the gate.</summary>
        public int Stamp;

        public Memory<byte> Memory { get; } = memory;

        /// <summary>Of each page, when it was decoded.</summary>
        public uint[] Sums { get; } = new uint[PagesPerBlock];

        public ContentKey? Key { get; set; }

        public BlockPlan Plan { get; set; }

        /// <summary>Somebody fills it: it has no key then, and nobody else may have it.</summary>
        public bool IsTaken { get; set; }

        public bool IsUsed { get; set; }

        public ReadOnlySpan<byte> Page(int page) => Memory.Span.Slice(page * PageBytes, PageBytes);
    }
}
