using System.Buffers;
using System.Runtime.InteropServices;
using Google.Protobuf;

namespace DistFS.Rpc.Frames;

/// <summary>
/// Frames that leave together: headers, bodies and small payloads stand one behind the other in one buffer; large
/// payloads are sent from where they are, between two stretches of it.
/// </summary>
/// <remarks>
/// A connection has two: one is filled under its gate while the other is being sent. Not safe for concurrent use.
/// </remarks>
internal sealed class OutgoingBatch
{
    /// <summary>
    /// Up to this size a part of a payload is copied behind what is before it: a memory copy of 8 KiB costs less than a
    /// second send.
    /// </summary>
    public const int CopiedPayloadBytesMax = 8 << 10;

    private const int InitialBytes = 16 << 10;
    private const int KeptBytesMax = 256 << 10;

    private readonly List<Segment> _segments = [];
    private byte[] _buffer = [];
    private int _used;
    private int _segment;
    private int _sent;

    /// <summary>Bytes of all frames, payloads included.</summary>
    public long Bytes { get; private set; }

    public bool IsEmpty => Bytes == 0;

    /// <summary>How many of the frames end a call.</summary>
    public int Answers { get; private set; }

    /// <summary>Adds a frame.</summary>
    /// <param name="header">Its lengths are those of the other arguments.</param>
    /// <param name="body">May be null for none.</param>
    /// <param name="payload">
    /// Borrowed until <paramref name="owner"/> is told; an owner none of whose parts is large is not taken.
    /// </param>
    /// <param name="owner">Told once the payload's memory is no longer used.</param>
    /// <returns>Whether the owner was taken: it will be told later.</returns>
    public bool Add(in FrameHeader header, IMessage? body, in ReadOnlySequence<byte> payload, IPayloadOwner? owner)
    {
        var (used, segments) = (_used, _segments.Count);
        try
        {
            AddHead(header, body, payload.Length <= CopiedPayloadBytesMax ? (int)payload.Length : 0);
            if (payload.IsSingleSegment)
            {
                AddPart(payload.First);
            }
            else
            {
                foreach (var part in payload)
                {
                    AddPart(part);
                }
            }
        }
        catch
        {
            // A body that failed to serialise, or memory that is gone, leaves no trace.
            _used = used;
            _segments.RemoveRange(segments, _segments.Count - segments);
            throw;
        }

        Bytes += header.FrameLength;
        if (header.Kind is FrameKind.Reply or FrameKind.Error)
        {
            Answers++;
        }

        if (_segments.Count == segments || owner == null)
        {
            return false;
        }

        // The last part that is borrowed is the last that is used.
        CollectionsMarshal.AsSpan(_segments)[^1].Owner = owner;
        return true;
    }

    /// <summary>The next bytes to send; empty when all were sent.</summary>
    public ReadOnlyMemory<byte> Next()
    {
        var segments = CollectionsMarshal.AsSpan(_segments);
        if (_segment >= segments.Length)
        {
            return _buffer.AsMemory(_sent, _used - _sent);
        }

        ref var segment = ref segments[_segment];
        return _sent < segment.BufferEnd ? _buffer.AsMemory(_sent, segment.BufferEnd - _sent) : segment.Payload;
    }

    /// <summary>Notes that the first <paramref name="count"/> bytes of <see cref="Next"/> were sent.</summary>
    public void Advance(int count)
    {
        var segments = CollectionsMarshal.AsSpan(_segments);
        if (_segment >= segments.Length || _sent < segments[_segment].BufferEnd)
        {
            _sent += count;
            return;
        }

        ref var segment = ref segments[_segment];
        segment.Payload = segment.Payload[count..];
        if (segment.Payload.IsEmpty)
        {
            var owner = segment.Owner;
            segment.Owner = null;
            _segment++;
            owner?.PayloadReleased();
        }
    }

    /// <summary>Empties the batch; owners that were not told yet are told now.</summary>
    public void Clear()
    {
        for (; _segment < _segments.Count; _segment++)
        {
            _segments[_segment].Owner?.PayloadReleased();
        }

        _segments.Clear();
        _segment = 0;
        _used = 0;
        _sent = 0;
        Bytes = 0;
        Answers = 0;
        if (_buffer.Length > KeptBytesMax)
        {
            Free();
        }
    }

    /// <summary>Gives the memory back; the batch can be filled again.</summary>
    public void Free()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private void AddHead(in FrameHeader header, IMessage? body, int payloadBytes)
    {
        var length = FrameHeader.Size + header.BodyLength;
        Reserve(length + payloadBytes);
        var frame = _buffer.AsSpan(_used, length);
        header.Write(frame);
        body?.WriteTo(frame[FrameHeader.Size..]);
        FrameHeader.Seal(frame);
        _used += length;
    }

    private void AddPart(ReadOnlyMemory<byte> part)
    {
        if (part.Length > CopiedPayloadBytesMax)
        {
            _segments.Add(new Segment(_used, part, null));
            return;
        }

        Reserve(part.Length);
        part.Span.CopyTo(_buffer.AsSpan(_used));
        _used += part.Length;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _used >= bytes)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(InitialBytes, Math.Max(_buffer.Length * 2, _used + bytes)));
        _buffer.AsSpan(0, _used).CopyTo(larger);
        Free();
        _buffer = larger;
    }

    private record struct Segment(int BufferEnd, ReadOnlyMemory<byte> Payload, IPayloadOwner? Owner);
}

/// <summary>Lent a payload's memory to a batch.</summary>
internal interface IPayloadOwner
{
    /// <summary>The memory is no longer used. Called once, on any thread, without a lock held.</summary>
    void PayloadReleased();
}
