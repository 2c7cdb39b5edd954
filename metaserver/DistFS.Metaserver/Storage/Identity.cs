using System.Buffers.Binary;
using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>Whose store it is. Written once, when the store is made.</summary>
/// <param name="Cluster">The cluster.</param>
/// <param name="Member">The member. Not used again after it was removed.</param>
/// <param name="Store">Random: a member that lost its folder comes back with another one.</param>
public sealed record Identity(ClusterId Cluster, MemberId Member, StoreId Store)
{
    internal const string FileName = "identity";
    private const uint Magic = 0x44495344; // "DSID"
    private const int PayloadBytes = 32;

    /// <inheritdoc/>
    public override string ToString() => $"cluster {Cluster} member {Member} store {Store}";

    internal byte[] Encode()
    {
        var payload = new byte[PayloadBytes];
        BinaryPrimitives.WriteUInt128LittleEndian(payload, Cluster.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(16), Member.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(24), Store.Value);
        return payload;
    }

    internal void Write(StoreDisk disk) => CheckedFile.Write(disk, FileName, Magic, Encode());

    /// <summary>The identity of a folder.</summary>
    /// <exception cref="StoreRefusedException">There is none, or it cannot be read.</exception>
    internal static Identity Read(StoreDisk disk, IReadOnlyList<string> names)
    {
        var payload = CheckedFile.Read(disk, FileName, Magic, out var isDamaged);
        if (payload is { Length: PayloadBytes })
        {
            return new Identity(
                new ClusterId(BinaryPrimitives.ReadUInt128LittleEndian(payload)),
                new MemberId(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(16))),
                new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(24))));
        }

        var isInterrupted = names.Contains(StoreFiles.Formatting);
        if (isDamaged || (!isInterrupted && names.Any(StoreFiles.IsOurs)))
        {
            throw new StoreRefusedException(
                ErrorCatalog.StoreIdentityLost,
                $"{disk.Name} has a metaserver's files, but '{FileName}' is {(isDamaged ? "damaged" : "missing")}. "
                + "Remove this member from the cluster and add a new one.");
        }

        throw new StoreRefusedException(ErrorCatalog.StoreWiped, $"{disk.Name} holds no store of a metaserver"
            + (isInterrupted
                ? ": its making was interrupted. Make it again."
                : ". Mount its disk, or make a new store."));
    }
}

/// <summary>The names of a store's files.</summary>
internal static class StoreFiles
{
    public const string HardState = "hardstate";
    public const string Base = "base";
    public const string Damaged = "damaged";
    public const string Incoming = "incoming";
    public const string IncomingData = "incoming.data";
    public const string NewSnapshot = "snapshot.tmp";
    public const string Formatting = "formatting";
    public const string TemporarySuffix = ".tmp";
    public const string SegmentPrefix = "log-";
    public const string SegmentSuffix = ".seg";
    public const string SnapshotPrefix = "snap-";
    public const string SnapshotSuffix = ".snap";

    /// <summary>Whether a file is what <see cref="StoreDisk.Replace"/> left when it did not end.</summary>
    public static bool IsTemporary(string name)
    {
        if (!name.EndsWith(TemporarySuffix, StringComparison.Ordinal))
        {
            return false;
        }

        var target = name[..^TemporarySuffix.Length];
        return target is Identity.FileName or HardState or Base or Damaged or Incoming
            || (target.StartsWith(SegmentPrefix, StringComparison.Ordinal) && Segment.FirstOf(target) != null);
    }

    /// <summary>Whether a file is one of a store; others may lie in the folder, such as its lock.</summary>
    public static bool IsOurs(string name) =>
        name is Identity.FileName or HardState or Base or Damaged or Incoming or IncomingData or NewSnapshot
            or Formatting
        || name.StartsWith(SegmentPrefix, StringComparison.Ordinal)
        || name.StartsWith(SnapshotPrefix, StringComparison.Ordinal);
}
