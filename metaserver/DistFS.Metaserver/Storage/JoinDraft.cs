using System.Buffers.Binary;
using System.Text;
using DistFS.Primitives;

namespace DistFS.Metaserver.Storage;

/// <summary>
/// A folder that is about to become a member's: written before the cluster is asked for an id, so that whoever asks
/// again, after whatever happened, asks for the same member; and so that a start without the addresses goes on joining,
/// and does not begin a cluster of its own.
/// </summary>
/// <param name="Store">Drawn for the folder; it becomes the store's.</param>
/// <param name="Join">Members of the cluster, with commas between.</param>
internal sealed record JoinDraft(StoreId Store, string Join)
{
    private const string FileName = "joining";
    private const uint Magic = 0x444A5344; // "DSJD"

    public void Write(IDisk disk)
    {
        var join = Encoding.UTF8.GetBytes(Join);
        var payload = new byte[sizeof(ulong) + join.Length];
        BinaryPrimitives.WriteUInt64LittleEndian(payload, Store.Value);
        join.CopyTo(payload, sizeof(ulong));
        CheckedFile.Write(new StoreDisk(disk), FileName, Magic, payload);
    }

    /// <summary>Null if there is none that can be read: nobody relies on it before the store is made.</summary>
    public static JoinDraft? Find(IDisk disk)
    {
        var payload = CheckedFile.Read(new StoreDisk(disk), FileName, Magic, out _);
        return payload is { Length: > sizeof(ulong) }
            ? new JoinDraft(
                new StoreId(BinaryPrimitives.ReadUInt64LittleEndian(payload)),
                Encoding.UTF8.GetString(payload.AsSpan(sizeof(ulong))))
            : null;
    }

    /// <summary>The store is made.</summary>
    public static void Remove(IDisk disk)
    {
        var store = new StoreDisk(disk);
        if (store.List().Contains(FileName))
        {
            store.Delete(FileName);
        }
    }
}
