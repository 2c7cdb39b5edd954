using System.Buffers;
using System.Runtime.CompilerServices;
using DistFS.Blocks;
using DistFS.Client.Chunks;
using DistFS.Client.Files;
using DistFS.Primitives;

namespace DistFS.Client;

/// <content>Chunks of files are looked at copy by copy; nothing is changed by that.</content>
public sealed partial class DistFsClient
{
    /// <summary>A copy that is behind for a moment, since its chunk is written, is looked at again so often.</summary>
    private const int ChecksMax = 3;

    /// <summary>
    /// The chunks of a file with all their copies, in order; the cluster serves meanwhile. Each byte of each copy is
    /// read from its server, if that is wanted: a server of which wrong bytes come looks at its disk, and has the copy
    /// mended.
    /// </summary>
    /// <param name="path">A file.</param>
    /// <param name="reads">Whether copies are read, checksums compared; else only who has them is asked.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">ENOENT, EACCES, EISDIR; the metaservers do not answer.</exception>
    /// <example>
    /// <code>
    /// await foreach (var chunk in dfs.CheckChunksAsync("/data/table", reads: true))
    /// {
    ///     Console.WriteLine($"{chunk.Offset}: {chunk.Good} of {chunk.Goal} copies");
    /// }
    /// </code>
    /// </example>
    public async IAsyncEnumerable<ChunkCheck> CheckChunksAsync(
        string path, bool reads = false, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        var status = await StatAsync(path, cancellation: cancellation).ConfigureAwait(false);
        Ensure(status, path);
        var states = (await GetServersAsync(cancellation).ConfigureAwait(false))
            .ToDictionary(static one => one.Id, static one => one.State);
        var mapping = new FileMapping(Files, status.Inode, open: null, path);
        for (ulong from = 0, next; ; from = next)
        {
            (var view, next) = await mapping.LoadPageAsync(from, refreshServers: false, cancellation)
                .ConfigureAwait(false);
            foreach (var (index, chunk) in view.Chunks.Where(one => one.Key >= from).OrderBy(static one => one.Key))
            {
                yield return await CheckAsync(mapping, index, chunk, states, reads, cancellation)
                    .ConfigureAwait(false);
            }

            if (next == 0)
            {
                break;
            }
        }
    }

    private async Task<ChunkCheck> CheckAsync(
        FileMapping mapping,
        ulong index,
        MappedChunk chunk,
        Dictionary<ServerId, string> states,
        bool reads,
        CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var target = chunk.Target;
            var copies = await Task.WhenAll(target.Servers.Select(async server => new CopyCheck(
                server.Id,
                server.Address,
                states.GetValueOrDefault(server.Id, "unknown"),
                reads ? await ReadCopyAsync(chunk, server, cancellation).ConfigureAwait(false) : null)))
                .ConfigureAwait(false);
            var check = new ChunkCheck(
                (long)index * ChunkLayout.ChunkBytes,
                chunk.Length,
                target.Chunk,
                target.Version,
                (int)chunk.Goal,
                copies);

            // Another version since, or a write under way: what was asked is no question any more.
            if (attempt == ChecksMax || !copies.Any(static copy => IsPassing(copy.Error)))
            {
                return check;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), _options.Clock, cancellation).ConfigureAwait(false);
            var now = await mapping.LoadAsync(index, refreshServers: true, cancellation).ConfigureAwait(false);
            if (now[index] is not { } present)
            {
                // The file was cut here: there is nothing to be checked.
                return check with { Copies = [.. copies.Select(static copy => copy with { Error = null })], Goal = 0 };
            }

            chunk = present;
        }
    }

    private static bool IsPassing(DistFsException? error) => error is { } e
        && (e.Code == ErrorCatalog.ChunkVersionStale || e.Code == ErrorCatalog.ChunkVersionOver
            || e.Code == ErrorCatalog.ChunkDirty);

    /// <summary>All blocks of a copy from its server. Null: they are right.</summary>
    private async Task<DistFsException?> ReadCopyAsync(
        MappedChunk chunk, ChunkServerAddress server, CancellationToken cancellation)
    {
        // A chain of one: nobody else is asked, whatever it says.
        var reader = new ChunkReader(Files.Links, new ChunkReaderOptions { RoundsMax = 1 });
        var alone = chunk.Target with { Servers = [server] };
        var buffer = ArrayPool<byte>.Shared.Rent(FileReader.PieceBytes);
        try
        {
            for (uint at = 0; at < chunk.Length; at += FileReader.PieceBytes)
            {
                var length = (int)Math.Min(FileReader.PieceBytes, chunk.Length - at);
                await reader.ReadAsync(alone, NoVersions.Instance, at, buffer.AsMemory(0, length), cancellation)
                    .ConfigureAwait(false);
            }

            return null;
        }
        catch (DistFsException e)
        {
            return e;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Of a reader that asks one server once.</summary>
    private sealed class NoVersions : IChunkVersions
    {
        public static NoVersions Instance { get; } = new();

        public Task<ChunkTarget> BeginVersionAsync(
            ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation) =>
            throw new InvalidOperationException("A reader begins no version.");

        public Task<ChunkTarget> LookUpAsync(ChunkTarget before, CancellationToken cancellation) =>
            throw new InvalidOperationException("One round is all.");
    }
}

/// <summary>A chunk of a file, and its copies.</summary>
/// <param name="Offset">Where it begins in the file, in bytes.</param>
/// <param name="Length">Bytes of it that are the file's.</param>
/// <param name="Chunk">Which.</param>
/// <param name="Version">In which version.</param>
/// <param name="Goal">How many copies it is to have.</param>
/// <param name="Copies">Those that count, in the order of the chain.</param>
public sealed record ChunkCheck(
    long Offset, uint Length, ChunkId Chunk, ChunkVersion Version, int Goal, IReadOnlyList<CopyCheck> Copies)
{
    /// <summary>Copies on servers that can be asked, and that were right as far as they were read.</summary>
    public int Good => Copies.Count(static copy => copy.IsGood);
}

/// <summary>A copy of a chunk.</summary>
/// <param name="Server">Who has it.</param>
/// <param name="Address">host:port.</param>
/// <param name="State">up, full, draining, suspect, away, dead; unknown.</param>
/// <param name="Error">What was wrong when it was read; null: nothing, or it was not read.</param>
public sealed record CopyCheck(ServerId Server, string Address, string State, DistFsException? Error)
{
    /// <summary>Whether its server can be asked, and nothing is known to be wrong with it.</summary>
    public bool IsGood => Error == null && State is ("up" or "full" or "draining" or "suspect" or "starting");
}
