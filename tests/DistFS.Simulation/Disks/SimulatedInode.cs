using DistFS.Primitives;

namespace DistFS.Simulation;

/// <summary>The bytes of one file, twice: as programs see them, and as they are on the platter.</summary>
internal sealed class SimulatedInode
{
    internal const int SectorBytes = 512;

    private byte[] _cached = [];
    private byte[] _durable = [];

    // Per sector, the bytes written since the last sync are inside [_from, _to); _to == 0 means none.
    private ushort[] _from = [];
    private ushort[] _to = [];
    private int _dirtyFirst = int.MaxValue;
    private int _dirtyLast = -1;

    // The sectors that the last sync stored.
    private (int First, int Last) _newest = (int.MaxValue, -1);

    public long Length { get; private set; }

    public long DurableLength { get; private set; }

    public bool IsClean => _dirtyLast < 0 && Length == DurableLength;

    public int Read(long offset, Span<byte> destination)
    {
        var count = (int)Math.Clamp(Length - offset, 0, destination.Length);
        var stored = (int)Math.Clamp(_cached.Length - offset, 0, count);
        if (stored > 0)
        {
            _cached.AsSpan((int)offset, stored).CopyTo(destination);
        }

        destination[stored..count].Clear();
        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        if (source.IsEmpty)
        {
            return;
        }

        Reserve((int)offset + source.Length);
        source.CopyTo(_cached.AsSpan((int)offset));
        Length = Math.Max(Length, offset + source.Length);
        MarkDirty((int)offset, source.Length);
    }

    public void Preallocate(long length) => Length = Math.Max(Length, length);

    public void Truncate(long length)
    {
        if (length < _cached.Length)
        {
            var count = _cached.Length - (int)length;
            _cached.AsSpan((int)length, count).Clear();
            MarkDirty((int)length, count);
        }

        Length = length;
    }

    public void Sync()
    {
        for (var sector = _dirtyFirst; sector <= _dirtyLast; sector++)
        {
            if (_to[sector] != 0)
            {
                Store(sector, _from[sector], _to[sector]);
            }
        }

        if (_dirtyLast >= 0)
        {
            _newest = (_dirtyFirst, _dirtyLast);
        }

        SettleLength(Length);
        Clean();
    }

    /// <summary>A sync that failed: some sectors are stored, the others not, and nobody will try again.</summary>
    public void FailSync(Prng prng)
    {
        // Some file systems show what was dropped until it leaves the cache, others show the old bytes at once.
        var reverts = prng.Chance(0.5);
        for (var sector = _dirtyFirst; sector <= _dirtyLast; sector++)
        {
            if (_to[sector] != 0)
            {
                if (prng.Chance(0.5))
                {
                    Store(sector, _from[sector], _to[sector]);
                }
                else if (reverts)
                {
                    var at = sector * SectorBytes;
                    _durable.AsSpan(at, SectorBytes).CopyTo(_cached.AsSpan(at));
                }
            }
        }

        if (prng.Chance(0.5))
        {
            SettleLength(Length);
        }

        Clean();
    }

    /// <summary>Power is lost: each sector with unsynced bytes becomes old, new, torn or zero, for itself.</summary>
    public void Crash(Prng prng)
    {
        for (var sector = _dirtyFirst; sector <= _dirtyLast; sector++)
        {
            int from = _to.Length == 0 ? 0 : _from[sector], to = _to.Length == 0 ? 0 : _to[sector];
            if (to == 0)
            {
                continue;
            }

            switch (prng.NextInt32(4))
            {
                case 0:
                    break;
                case 1:
                    Store(sector, from, to);
                    break;
                case 2:
                    Store(sector, from, prng.NextInt32(from, to));
                    break;
                default:
                    // What was synced and not written again is never lost, so only what was written turns to zero.
                    _durable.AsSpan((sector * SectorBytes) + from, to - from).Clear();
                    break;
            }
        }

        if (Length != DurableLength && prng.Chance(0.6))
        {
            var low = Math.Min(Length, DurableLength);
            var high = Math.Max(Length, DurableLength);
            SettleLength(prng.Chance(0.5) || Length < DurableLength
                ? Length
                : low + (long)prng.NextBelow((ulong)(high - low)));
        }

        Forget();
    }

    /// <summary>Power is lost and nothing unsynced arrived.</summary>
    public void Forget()
    {
        _durable.AsSpan().CopyTo(_cached);
        if (_cached.Length > DurableLength)
        {
            _cached.AsSpan((int)DurableLength).Clear();
            _durable.AsSpan((int)DurableLength).Clear();
        }

        Length = DurableLength;
        Clean();
    }

    public SimulatedInode CloneDurable()
    {
        var clone = new SimulatedInode { Length = DurableLength, DurableLength = DurableLength };
        clone.Reserve((int)Math.Min(DurableLength, _durable.Length));
        _durable.AsSpan(0, (int)Math.Min(clone._durable.Length, _durable.Length)).CopyTo(clone._durable);
        clone.Forget();
        return clone;
    }

    /// <summary>Flips one bit at rest; false if no byte was found that was written and synced.</summary>
    public bool Rot(Prng prng, bool spareNewest)
    {
        var stored = (int)Math.Min(DurableLength, _durable.Length);
        var at = -1;

        // Most of a preallocated file is zeros that nobody reads; look for a byte that means something.
        for (var tries = 0; tries < 32 && stored > 0 && at < 0; tries++)
        {
            var there = prng.NextInt32(stored);
            var sector = there / SectorBytes;
            var isSpared = spareNewest && sector >= _newest.First && sector <= _newest.Last;
            at = _durable[there] == 0 || isSpared ? -1 : there;
        }

        if (at < 0)
        {
            return false;
        }

        var bit = (byte)(1 << prng.NextInt32(8));
        _durable[at] ^= bit;
        _cached[at] ^= bit;
        return true;
    }

    private void Store(int sector, int from, int to)
    {
        var at = (sector * SectorBytes) + from;
        _cached.AsSpan(at, to - from).CopyTo(_durable.AsSpan(at));
    }

    private void SettleLength(long length)
    {
        DurableLength = length;
        if (length < _durable.Length)
        {
            _durable.AsSpan((int)length).Clear();
        }
    }

    private void MarkDirty(int offset, int count)
    {
        for (var end = offset + count; offset < end;)
        {
            var sector = offset / SectorBytes;
            var from = offset % SectorBytes;
            var to = Math.Min(SectorBytes, from + (end - offset));
            _from[sector] = _to[sector] == 0 ? (ushort)from : (ushort)Math.Min(_from[sector], from);
            _to[sector] = (ushort)Math.Max(_to[sector], to);
            _dirtyFirst = Math.Min(_dirtyFirst, sector);
            _dirtyLast = Math.Max(_dirtyLast, sector);
            offset += to - from;
        }
    }

    private void Clean()
    {
        if (_dirtyLast >= 0)
        {
            _to.AsSpan(_dirtyFirst, _dirtyLast - _dirtyFirst + 1).Clear();
        }

        _dirtyFirst = int.MaxValue;
        _dirtyLast = -1;
    }

    private void Reserve(int length)
    {
        if (length <= _cached.Length)
        {
            return;
        }

        var size = Math.Max(length, 2 * _cached.Length);
        size = (size + SectorBytes - 1) / SectorBytes * SectorBytes;
        Array.Resize(ref _cached, size);
        Array.Resize(ref _durable, size);
        Array.Resize(ref _from, size / SectorBytes);
        Array.Resize(ref _to, size / SectorBytes);
    }
}
