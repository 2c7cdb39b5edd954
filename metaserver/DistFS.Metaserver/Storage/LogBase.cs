using System.Buffers.Binary;
using DistFS.Primitives;
using DistFS.Raft;

namespace DistFS.Metaserver.Storage;

/// <summary>Where the log starts: the file 'base'. Replacing it is what compacts the log, or drops it.</summary>
/// <param name="Epoch">Grows when the log is dropped: files of the log of an older one are waste.</param>
/// <param name="Compacted">The entry before the first.</param>
/// <param name="Configuration">The configuration in force there.</param>
internal sealed record LogBase(ulong Epoch, EntryId Compacted, RaftConfiguration Configuration)
{
    private const uint Magic = 0x53424C44; // "DLBS"
    private const int FixedBytes = 32;

    public void Write(StoreDisk disk, StoreId store)
    {
        var configuration = RaftCodec.Encode(Configuration);
        var payload = new byte[FixedBytes + configuration.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, store.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(8), Epoch);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(16), Compacted.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(payload.AsSpan(24), Compacted.Index.Value);
        configuration.CopyTo(payload, FixedBytes);
        CheckedFile.Write(disk, StoreFiles.Base, Magic, payload);
    }

    /// <exception cref="StoreRefusedException">It is missing, damaged, of another store or format.</exception>
    public static LogBase Read(StoreDisk disk, StoreId store)
    {
        var payload = CheckedFile.Read(disk, StoreFiles.Base, Magic, out var isDamaged);
        if (payload == null || payload.Length < FixedBytes
            || !RaftCodec.TryDecode(payload.AsSpan(FixedBytes), out var configuration, out _))
        {
            throw new StoreRefusedException(ErrorCatalog.LogCorrupt, $"{disk.Name}: '{StoreFiles.Base}' is "
                + $"{(isDamaged ? "damaged" : "missing")}: where the log starts is not known. Remove this member from "
                + "the cluster and add a new one.");
        }

        var writer = new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(payload));
        if (writer != store)
        {
            throw new StoreRefusedException(ErrorCatalog.StoreForeign, $"{disk.Name}: '{StoreFiles.Base}' is of store "
                + $"{writer}, but the folder is of store {store}. Put every file back to its own folder.");
        }

        var compacted = new EntryId(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(16))),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(24))));
        return new LogBase(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(8)), compacted, configuration);
    }
}

/// <summary>
/// The file 'damaged': the log lost entries that this member may have acknowledged, up to one. It is there from before
/// anything is repaired until the log is whole again.
/// </summary>
internal static class DamageMarker
{
    private const uint Magic = 0x4D444C44; // "DLDM"
    private const int PayloadBytes = 16;

    public static void Write(StoreDisk disk, EntryId promised)
    {
        Span<byte> payload = stackalloc byte[PayloadBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, promised.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(payload[8..], promised.Index.Value);
        CheckedFile.Write(disk, StoreFiles.Damaged, Magic, payload);
    }

    /// <summary>The last entry that was promised, or null in a whole log.</summary>
    public static EntryId? Read(StoreDisk disk)
    {
        var payload = CheckedFile.Read(disk, StoreFiles.Damaged, Magic, out var isDamaged);
        if (isDamaged || payload is { Length: not PayloadBytes })
        {
            throw new StoreRefusedException(ErrorCatalog.LogCorrupt, $"{disk.Name}: '{StoreFiles.Damaged}' is itself "
                + "damaged: how much of the log was lost is not known. Remove this member from the cluster and add a "
                + "new one.");
        }

        return payload == null ? null : new EntryId(
            new Term(BinaryPrimitives.ReadUInt64LittleEndian(payload)),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(payload.AsSpan(8))));
    }

    public static void Remove(StoreDisk disk)
    {
        disk.Delete(StoreFiles.Damaged);
        disk.SyncFolder();
    }
}
