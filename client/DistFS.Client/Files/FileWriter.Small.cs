using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Primitives;
using DistFS.Protocol;

namespace DistFS.Client.Files;

/// <content>Content that stands in the metadata, and leaves it when it grows.</content>
internal sealed partial class FileWriter
{
    private async Task SendSmallAsync(SmallContent small, CancellationToken cancellation)
    {
        if (!small.IsChanged)
        {
            return;
        }

        foreach (var (offset, bytes) in small.Changed)
        {
            var reply = await WrittenPlace.OneAsync(
                _context,
                _open,
                new Operation
                {
                    WriteInline = new WriteInlineRequest
                    {
                        Inode = _mapping.Inode.Value,
                        Offset = (ulong)offset,
                        Data = Google.Protobuf.ByteString.CopyFrom(bytes.Span),
                        Handle = _open.Handle,
                    },
                },
                cancellation).ConfigureAwait(false);
            if (reply.Status == (int)FsStatus.Stale)
            {
                // Somebody else has made a chunk of it meanwhile. What was sent before is written once more.
                await LeaveMetadataAsync(small, cancellation).ConfigureAwait(false);
                await LeavePlacesAsync(Open(), cancellation).ConfigureAwait(false);
                return;
            }

            FileErrors.Ensure(reply.Status, _mapping.Path);
        }

        small.Sent();
        _mapping.Forget();
    }

    /// <summary>
    /// The file becomes too long for the metadata: what it has there goes into a chunk by itself, since that takes its
    /// place; what was written here follows.
    /// </summary>
    private async Task LeaveMetadataAsync(SmallContent small, CancellationToken cancellation)
    {
        foreach (var (offset, bytes) in small.Changed)
        {
            await SendAsync(0, [new ChunkPart((uint)offset, bytes)], cancellation).ConfigureAwait(false);
        }

        // Not before: if that fails, what is here is to be sent yet.
        _small = null;
    }
}
