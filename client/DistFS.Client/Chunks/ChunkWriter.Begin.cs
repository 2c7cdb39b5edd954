using System.Buffers;
using DistFS.Blocks;
using DistFS.Primitives;

namespace DistFS.Client.Chunks;

/// <content>Writes are begun: cut into requests, compressed, summed up.</content>
public sealed partial class ChunkWriter
{
    /// <summary>Ranges of one request.</summary>
    private const int PartsMax = 256;

    /// <summary>
    /// Begins to write bytes: returns when they are copied and there was room for them, not when they are written.
    /// </summary>
    /// <param name="offset">Where in the chunk.</param>
    /// <param name="content">With the offset at most 64 MiB.</param>
    /// <param name="isDurable">Whether they are acknowledged only when they are on the disks of all servers.</param>
    /// <param name="cancellation">Gives up waiting for room: then a part of them may be written.</param>
    /// <returns>Ends when all of them are acknowledged.</returns>
    /// <exception cref="DistFsException">An earlier write failed for good.</exception>
    public ValueTask<Task> BeginAsync(
        uint offset, ReadOnlyMemory<byte> content, bool isDurable, CancellationToken cancellation) =>
        BeginAsync([new ChunkPart(offset, content)], isDurable, cancellation);

    /// <summary>As for one range, for several of them: as many as fit go in one request.</summary>
    /// <param name="parts">In the order of their offsets, without overlaps.</param>
    /// <param name="isDurable">Whether they are acknowledged only when they are on the disks of all servers.</param>
    /// <param name="cancellation">Gives up waiting for room: then a part of them may be written.</param>
    /// <returns>Ends when all of them are acknowledged.</returns>
    /// <exception cref="DistFsException">An earlier write failed for good.</exception>
    public async ValueTask<Task> BeginAsync(
        IReadOnlyList<ChunkPart> parts, bool isDurable, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(parts);
        var last = Task.CompletedTask;
        var request = new List<ChunkPart>();
        var (room, end) = (RequestBytes, 0ul);
        foreach (var part in parts)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(part.Offset, end, nameof(parts));
            end = part.End;
            ArgumentOutOfRangeException.ThrowIfGreaterThan(part.End, (ulong)ChunkLayout.ChunkBytes, nameof(parts));
            for (var rest = part; !rest.Content.IsEmpty;)
            {
                // Ends where blocks do, so that the next one begins with a whole one.
                var length = (int)Math.Min(rest.Content.Length, RequestBytes - (rest.Offset % RequestBytes));
                if (length > room || request.Count == PartsMax)
                {
                    last = await SendAsync(request, isDurable, last, cancellation).ConfigureAwait(false);
                    room = RequestBytes;
                }

                request.Add(rest with { Content = rest.Content[..length] });
                room -= length;
                rest = new ChunkPart(rest.Offset + (uint)length, rest.Content[length..]);
            }
        }

        return request.Count == 0 ? last
            : await SendAsync(request, isDurable, last, cancellation).ConfigureAwait(false);
    }

    private async ValueTask<Task> SendAsync(
        List<ChunkPart> request, bool isDurable, Task before, CancellationToken cancellation)
    {
        await _window.EnterAsync(cancellation).ConfigureAwait(false);
        var write = Encode(request, isDurable);
        request.Clear();
        return Send(write, before);
    }

    /// <summary>Compresses, and sums up: here and nowhere else.</summary>
    private PendingWrite Encode(List<ChunkPart> parts, bool isDurable)
    {
        var (bytes, end) = (0, 0u);
        foreach (var part in parts)
        {
            var blocks = ChunkLayout.BlocksOf((uint)part.End) - (int)(part.Offset / ChunkLayout.BlockBytes);
            bytes += part.Content.Length + (blocks * PieceHeader.Bytes);
            end = Math.Max(end, (uint)part.End);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(bytes);
        var length = 0;
        foreach (var (offset, content) in parts)
        {
            length += Encode(offset, content.Span, buffer.AsSpan(length));
        }

        return new PendingWrite(buffer, length, end, isDurable, _scheduler);
    }

    private static int Encode(uint offset, ReadOnlySpan<byte> content, Span<byte> pieces)
    {
        var length = 0;
        while (!content.IsEmpty)
        {
            var within = (int)(offset % ChunkLayout.BlockBytes);
            var part = content[..Math.Min(content.Length, ChunkLayout.BlockBytes - within)];
            var block = ChunkLayout.BlockOf(offset);
            length += part.Length == ChunkLayout.BlockBytes
                ? BlockCodec.EncodeBlock(block, part, pieces[length..])
                : BlockCodec.EncodePatch(block, within, part, pieces[length..]);
            offset += (uint)part.Length;
            content = content[part.Length..];
        }

        return length;
    }
}
