using System.Buffers;
using DistFS.Blocks;
using DistFS.Primitives;
using DistFS.Rpc;

namespace DistFS.Client.Chunks;

/// <summary>
/// Puts the blocks of a read together as they come. Raw content goes from the socket to where the reader wants it, and
/// is summed up there while the processor still has it in its cache; everything else, which has to be decoded or lies
/// over other pieces, is kept until the caller takes the result, so that the receiving thread does no more than that.
/// </summary>
/// <remarks>
/// Between two pieces stands a header of 24 bytes. So that it costs no receive of its own, a receive reaches so far
/// beyond the end of a piece, into the memory of the next one, where nothing is yet: they are taken out from there, and
/// overwritten.
/// </remarks>
internal sealed class BlockSink : IPayloadSink, IDisposable
{
    // Of the thread: who reads goes on where the reply came, so it is mostly there again.
    [ThreadStatic]
    private static BlockSink? _spare;

    private readonly byte[] _headerBytes = new byte[PieceHeader.Bytes];
    private Memory<byte> _destination;
    private uint _offset;
    private PieceFault _fault;
    private BlockIndex _faulty;

    // Of the payload: all of it, and what has not come yet.
    private int _length;
    private int _remaining;

    // So much of the next header is there.
    private int _headerLength;

    // The piece whose bytes are coming: where they go, with what is behind it there, and how many are missing.
    private PieceHeader _piece;
    private Memory<byte> _target;
    private int _missing;
    private bool _isDirect;
    private uint _checksum;

    // The last block that a piece came of, whether one of it is kept, and which blocks are in the destination already:
    // by bits, from the first one that is wanted on.
    private uint _block;
    private bool _isKept;
    private ulong _direct;

    // Pieces that are kept, one behind the other.
    private byte[]? _kept;
    private int _keptLength;

    private uint First => ChunkLayout.BlockOf(_offset).Value;

    /// <summary>What has come of the payload, in bytes.</summary>
    public int Received => _length - _remaining;

    /// <summary>For one read.</summary>
    /// <param name="offset">Where in the chunk.</param>
    /// <param name="destination">Gets the bytes, of 64 blocks at most.</param>
    public static BlockSink Rent(uint offset, Memory<byte> destination)
    {
        Check.That(ChunkLayout.BlocksOf(offset + (uint)destination.Length) - ChunkLayout.BlockOf(offset).Value <= 64);
        var sink = _spare ?? new BlockSink();
        _spare = null;
        (sink._offset, sink._destination) = (offset, destination);
        sink._block = sink.First;
        return sink;
    }

    /// <inheritdoc/>
    public void Begin(int length)
    {
        (_remaining, _length) = (length, length);
        RequireHeader();
    }

    /// <inheritdoc/>
    public Memory<byte> Next() =>
        _fault != PieceFault.None ? Kept(1)
        : _missing > 0 ? _target[..Math.Min(_target.Length, _missing + PieceHeader.Bytes)]
        : _headerBytes.AsMemory(_headerLength);

    /// <inheritdoc/>
    public void Advance(int count)
    {
        Check.That(count <= _remaining);
        _remaining -= count;
        if (_fault != PieceFault.None)
        {
            return;
        }

        if (_missing == 0)
        {
            _headerLength += count;
        }
        else
        {
            Take(count);
        }

        if (_missing == 0 && _headerLength == PieceHeader.Bytes && _fault == PieceFault.None)
        {
            BeginPiece();
        }

        RequireHeader();
    }

    /// <summary>The call has ended well: decodes what was kept, and makes zeros of what did not come.</summary>
    /// <param name="block">The block that is damaged; otherwise undefined.</param>
    public PieceFault Finish(out BlockIndex block)
    {
        block = _faulty;
        return _fault != PieceFault.None ? _fault : Merge(_kept.AsSpan(0, _keptLength), ref block);
    }

    /// <summary>Ends the read; only when the call that it was made for has ended.</summary>
    public void Dispose()
    {
        if (_kept != null)
        {
            ArrayPool<byte>.Shared.Return(_kept);
        }

        (_kept, _keptLength, _destination, _target) = (null, 0, default, default);
        (_fault, _faulty, _length, _remaining, _headerLength, _missing) = (PieceFault.None, default, 0, 0, 0, 0);
        (_direct, _isKept, _isDirect) = (0, false, false);
        _spare = this;
    }

    private void Fail(PieceFault fault, BlockIndex block) => (_fault, _faulty, _missing) = (fault, block, 0);

    /// <summary>What is still to come is nothing, or a header at least.</summary>
    private void RequireHeader()
    {
        var ahead = _headerLength + _remaining - _missing;
        if (_fault == PieceFault.None && ahead is > 0 and < PieceHeader.Bytes)
        {
            Fail(PieceFault.Length, new BlockIndex(_block));
        }
    }

    /// <summary>Bytes of the piece have come, and perhaps the first ones of the header behind it.</summary>
    private void Take(int count)
    {
        var bytes = _target.Span[..count];
        var own = bytes[..Math.Min(count, _missing)];
        if (_isDirect)
        {
            _checksum = Crc32C.Append(_checksum, own);
        }
        else
        {
            _keptLength += own.Length;
        }

        _target = _target[own.Length..];
        _missing -= own.Length;
        if (_missing > 0)
        {
            return;
        }

        _headerLength = count - own.Length;
        bytes[own.Length..].CopyTo(_headerBytes);
        if (_isDirect)
        {
            EndDirect();
        }
    }

    private void BeginPiece()
    {
        var fault = PieceHeader.Read(_headerBytes, out _piece);
        _headerLength = 0;
        if (fault != PieceFault.None)
        {
            Fail(fault, new BlockIndex(_block));
            return;
        }

        var block = _piece.Block;
        if (block.Value < _block || block.Value * (ulong)ChunkLayout.BlockBytes >= _offset + (ulong)_destination.Length)
        {
            Fail(PieceFault.Misplaced, block);
            return;
        }

        if (_piece.StoredLength > _remaining)
        {
            Fail(PieceFault.Length, block);
            return;
        }

        _isKept &= block.Value == _block;
        _block = block.Value;
        _missing = _piece.StoredLength;
        var (at, within, length) = PartOf(block.Value);
        var fits = _piece.Kind == PieceKind.Block
            ? within == 0 && _piece.Length <= length
            : _piece.Offset == within && _piece.Length == length;
        _isDirect = fits && !_isKept && _piece is { Codec: PieceCodec.Raw, StoredLength: > 0 };
        if (_isDirect)
        {
            _target = _destination[at..];
            _checksum = PieceHeader.BeginChecksum(_headerBytes);
            return;
        }

        // From the first that is kept on there is room for all that may come.
        _isKept = true;
        var target = Kept(PieceHeader.Bytes + _remaining);
        _headerBytes.CopyTo(target);
        _keptLength += PieceHeader.Bytes;
        _target = target[PieceHeader.Bytes..];
    }

    /// <summary>Raw content is where it belongs.</summary>
    private void EndDirect()
    {
        if (_checksum != _piece.Checksum)
        {
            Fail(PieceFault.Checksum, _piece.Block);
            return;
        }

        if (_piece.Kind == PieceKind.Block)
        {
            var (at, _, length) = PartOf(_block);
            _destination.Span[(at + _piece.Length)..(at + length)].Clear();
        }

        _direct |= 1ul << (int)(_block - First);
    }

    /// <summary>Room behind the pieces that are kept.</summary>
    private Memory<byte> Kept(int bytes)
    {
        if (_kept == null || _kept.Length - _keptLength < bytes)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_keptLength + bytes);
            if (_kept != null)
            {
                _kept.AsSpan(0, _keptLength).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_kept);
            }

            _kept = larger;
        }

        return _kept.AsMemory(_keptLength);
    }

    /// <summary>What is wanted of a block: where it goes, from where in the block, how much.</summary>
    private (int At, int Within, int Length) PartOf(uint block)
    {
        var start = ((long)block * ChunkLayout.BlockBytes) - _offset;
        var (at, within) = ((int)Math.Max(0, start), (int)Math.Max(0, -start));
        return (at, within, Math.Min(_destination.Length - at, ChunkLayout.BlockBytes - within));
    }

    /// <summary>Lays the pieces that were kept over what is there.</summary>
    private PieceFault Merge(ReadOnlySpan<byte> pieces, ref BlockIndex block)
    {
        var reader = new PieceReader(pieces);
        var has = reader.Next(out var header, out var piece);
        var end = (uint)ChunkLayout.BlocksOf(_offset + (uint)_destination.Length);
        for (var index = First; index < end; index++)
        {
            block = new BlockIndex(index);
            var isDirect = (_direct & (1ul << (int)(index - First))) != 0;
            if (isDirect && !(has && header.Block == block))
            {
                continue;
            }

            var (at, within, length) = PartOf(index);
            var part = _destination.Span.Slice(at, length);

            // A block of which the end only is wanted is put together elsewhere.
            var whole = within == 0 ? null : ArrayPool<byte>.Shared.Rent(ChunkLayout.BlockBytes);
            try
            {
                var room = whole == null ? part : whole.AsSpan(0, within + length);
                if (isDirect && whole != null)
                {
                    part.CopyTo(room[within..]);
                }
                else if (!isDirect && !(has && header.Block == block && header.Kind == PieceKind.Block))
                {
                    room.Clear();
                }

                for (; has && header.Block == block; has = reader.Next(out header, out piece))
                {
                    if (BlockCodec.Apply(block, piece, room) is not PieceFault.None and var fault)
                    {
                        return fault;
                    }
                }

                if (whole != null)
                {
                    room[within..].CopyTo(part);
                }
            }
            finally
            {
                if (whole != null)
                {
                    ArrayPool<byte>.Shared.Return(whole);
                }
            }
        }

        return reader.Fault != PieceFault.None ? reader.Fault : has ? PieceFault.Misplaced : PieceFault.None;
    }
}
