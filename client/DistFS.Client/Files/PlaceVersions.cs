using DistFS.Client.Chunks;
using DistFS.Client.Names;
using DistFS.Primitives;

namespace DistFS.Client.Files;

/// <summary>What the metaservers are asked about a place of a file that is being written.</summary>
internal interface IPlaceOperations
{
    /// <summary>With this length in bytes the metaservers know the chunk, by what this writer committed.</summary>
    uint Committed { get; }

    /// <summary>Whether something was acknowledged in a version: then every server of it has seen it.</summary>
    bool IsUsed(ChunkVersion version);

    /// <summary>Whether something was acknowledged that no sync has made durable.</summary>
    bool HasUnsynced { get; }

    /// <summary>
    /// Whether what is filled for a place counts for nothing when somebody else has taken it: then it is said, and the
    /// version not gone on with.
    /// </summary>
    bool IsTakenIfFilling();

    /// <summary>The chunk of the place, writable: as it is, or in a version that begins.</summary>
    /// <exception cref="DistFsException">Refused.</exception>
    Task<ChunkTarget> AllocateAsync(CancellationToken cancellation);

    /// <summary>Begins a version behind one. Null: that one is over.</summary>
    /// <exception cref="DistFsException">Refused.</exception>
    Task<ChunkTarget?> NewVersionAsync(
        ChunkTarget before, uint length, IReadOnlyCollection<ServerId> drop, CancellationToken cancellation);
}

/// <summary>How a writer comes to another version of its chunk, also when somebody else has begun one.</summary>
internal static class PlaceVersions
{
    /// <summary>Others may begin versions meanwhile, but not for ever.</summary>
    private const int AttemptsMax = 5;

    /// <summary>Begins a version: in which all is that was acknowledged to the writer.</summary>
    /// <param name="place">Asked.</param>
    /// <param name="path">For messages.</param>
    /// <param name="index">The place, for messages.</param>
    /// <param name="before">The version that ends.</param>
    /// <param name="length">Bytes that every server which stays is known to have.</param>
    /// <param name="drop">Servers that failed.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="DistFsException">
    /// Refused; or bytes are lost that were acknowledged (<see cref="ErrorCatalog.WritesLost"/>).
    /// </exception>
    public static async Task<ChunkTarget> BeginAsync(
        IPlaceOperations place,
        string path,
        ulong index,
        ChunkTarget before,
        uint length,
        IReadOnlyCollection<ServerId> drop,
        CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            // Who is none of its servers any more need not be dropped.
            ServerId[] dropped = [.. drop.Where(server => before.Servers.Any(one => one.Id == server))];

            // What is named is taken for committed in this version, and a server that does not know the version for one
            // that missed it. So it is, if something was acknowledged in it, be it longer than before or not: all that
            // was acknowledged earlier is in what it began with.
            var named = place.IsUsed(before.Version) ? length : 0;
            if (await place.NewVersionAsync(before, named, dropped, cancellation).ConfigureAwait(false) is { } target)
            {
                return target;
            }

            if (attempt == AttemptsMax)
            {
                throw FileErrors.Of(FsStatus.Stale, path);
            }

            // Somebody else began a version, most likely the leader, since nothing was heard of this writer for long.
            // What was committed is in it, or was cut later, as if it had come before; what was acknowledged and not
            // committed was cut with the version, and that is said. So is it if all copies crashed with bytes that
            // nobody had synced. Lengths of the version say nothing: another writer's bytes may stand behind a gap.
            var now = await place.AllocateAsync(cancellation).ConfigureAwait(false);
            if (place.IsTakenIfFilling())
            {
                throw Lost(path, $"what was to take place {index} was taken by somebody else");
            }

            if (now.Chunk != before.Chunk)
            {
                throw Lost(path, $"what stands in its place {index} is another chunk now");
            }

            if (length > place.Committed)
            {
                throw Lost(path, $"chunk {before.Chunk} was taken over at {place.Committed} bytes, {length} had been "
                    + "written");
            }

            if (now.DecidedIn.Value > before.Version.Value && place.HasUnsynced)
            {
                throw Lost(path, $"all servers of chunk {before.Chunk} crashed before what was written was synced");
            }

            (before, length) = (now, Math.Min(length, now.StoredLength));
        }
    }

    private static DistFsException Lost(string path, string why) => new(ErrorCatalog.WritesLost, $"{path}: {why}.");
}
