using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using DistFS.Raft;

namespace DistFS.Metaserver.Consensus;

/// <summary>
/// Messages as the payload of one <c>Deliver</c>: {length u32 little-endian, message (<see cref="RaftCodec"/>)}, one
/// behind the other. The memory is used again for the next batch.
/// </summary>
internal sealed class MessageBatch : IBufferWriter<byte>
{
    // A batch that had to grow for one large entry does not keep that memory.
    private const int KeptBytesMax = 2 << 20;

    private byte[] _bytes = new byte[4096];

    /// <summary>Its bytes.</summary>
    public int Length { get; private set; }

    /// <summary>The payload; valid until the next change.</summary>
    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    /// <summary>Adds a message.</summary>
    public void Add(RaftMessage message)
    {
        var start = Length;
        Advance(sizeof(uint), GetSpan(sizeof(uint)));
        RaftCodec.WriteMessage(message, this);
        BinaryPrimitives.WriteInt32LittleEndian(_bytes.AsSpan(start), Length - start - sizeof(uint));
    }

    /// <summary>Empties it for the next use.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptBytesMax)
        {
            _bytes = new byte[4096];
        }
    }

    /// <summary>
    /// Reads a payload. What the messages carry points into <paramref name="payload"/>, which must stay as it is.
    /// </summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> payload,
        [NotNullWhen(true)] out List<RaftMessage>? messages,
        [NotNullWhen(false)] out string? fault)
    {
        messages = [];
        while (!payload.IsEmpty)
        {
            if (payload.Length < sizeof(uint)
                || BinaryPrimitives.ReadUInt32LittleEndian(payload.Span) is var length
                    && length > (uint)(payload.Length - sizeof(uint)))
            {
                (messages, fault) = (null, "it ends within a message");
                return false;
            }

            if (!RaftCodec.TryReadMessage(payload.Slice(sizeof(uint), (int)length), out var message, out fault))
            {
                messages = null;
                return false;
            }

            messages.Add(message);
            payload = payload[(sizeof(uint) + (int)length)..];
        }

        fault = null;
        return true;
    }

    /// <inheritdoc/>
    public void Advance(int count) => Length += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsMemory(Length);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(sizeHint);
        return _bytes.AsSpan(Length);
    }

    private void Advance(int count, Span<byte> zeroed)
    {
        zeroed[..count].Clear();
        Length += count;
    }

    private void Reserve(int sizeHint)
    {
        var needed = Length + Math.Max(1, sizeHint);
        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, Math.Max(needed, 2 * _bytes.Length));
        }
    }
}
