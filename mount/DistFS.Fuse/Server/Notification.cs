namespace DistFS.Fuse;

/// <summary>enum fuse_notify_code, as far as it is sent.</summary>
internal enum NotifyCode
{
    InvalidateInode = 2,
    InvalidateEntry = 3,
    Store = 4,
    Delete = 6,
}

/// <summary>One notification that waits for the notifier's thread.</summary>
/// <param name="Code">Which.</param>
/// <param name="Node">Node, or the parent of the name.</param>
/// <param name="Child">Of a deletion.</param>
/// <param name="Offset">Of content.</param>
/// <param name="Length">Of content.</param>
/// <param name="Flags">Of an entry.</param>
/// <param name="Bytes">Name, or content.</param>
/// <param name="Written">Ends with what the kernel said; null when nobody asks.</param>
internal readonly record struct Notification(
    NotifyCode Code,
    ulong Node,
    ulong Child,
    long Offset,
    long Length,
    EntryFlags Flags,
    ReadOnlyMemory<byte> Bytes,
    TaskCompletionSource<Errno>? Written);
