using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace DistFS.Fuse;

/// <content>The calls, and the helper, that mount and unmount.</content>
public sealed unsafe partial class FuseMount
{
    private const int PathBytesMax = 4096;
    private static readonly TimeSpan HelperTimeout = TimeSpan.FromSeconds(10);

    private static string Resolve(string mountPoint)
    {
        var resolved = stackalloc byte[PathBytesMax];
        fixed (byte* path = CString.From(mountPoint))
        {
            if (Libc.RealPath(path, resolved) == null)
            {
                var error = Libc.LastError();
                throw error == Errno.ENOTCONN
                    ? DeadMount(mountPoint)
                    : new FuseException($"The mount point {mountPoint} cannot be used: {error}.", error);
            }
        }

        var absolute = Marshal.PtrToStringUTF8((nint)resolved)!;
        if (Directory.Exists(absolute))
        {
            return absolute;
        }

        // What is mounted is a directory; one that cannot be looked at lost its server.
        throw MountEntry.Find(absolute) == null
            ? new FuseException($"The mount point {mountPoint} is no directory.", Errno.ENOTDIR)
            : DeadMount(mountPoint);
    }

    private static FuseException DeadMount(string mountPoint) =>
        new($"{mountPoint} holds a mount whose server is gone: umount -l it first.", Errno.ENOTCONN);

    /// <summary>The options that fusermount3 knows.</summary>
    private static string FusermountOptions(FuseMountOptions options)
    {
        List<string> list =
        [
            $"fsname={options.Source.Replace(",", "\\,", StringComparison.Ordinal)}",
            string.Create(CultureInfo.InvariantCulture, $"max_read={options.Server.WriteBytesMax}"),
            options.ReadOnly ? "ro" : "rw",
            "nosuid",
            "nodev",
        ];
        if (options.Subtype.Length > 0)
        {
            list.Add($"subtype={options.Subtype}");
        }

        if (options.AllowOther)
        {
            list.Add("allow_other");
        }

        if (options.DefaultPermissions)
        {
            list.Add("default_permissions");
        }

        return string.Join(',', list);
    }

    private static KernelDevice MountDirectly(string path, FuseMountOptions options)
    {
        var device = KernelDevice.Open();
        try
        {
            var data = string.Create(
                CultureInfo.InvariantCulture,
                $"fd={device.Descriptor},rootmode=40000,user_id={Libc.EffectiveUser()},group_id={Libc.EffectiveGroup()}"
                    + $",max_read={options.Server.WriteBytesMax}")
                + (options.AllowOther ? ",allow_other" : "")
                + (options.DefaultPermissions ? ",default_permissions" : "");
            var flags = (options.ReadOnly ? Libc.MountReadOnly : 0)
                | (options.AllowSetUid ? 0 : Libc.MountNoSuid)
                | (options.AllowDevices ? 0 : Libc.MountNoDev);
            fixed (byte* source = CString.From(options.Source),
                target = CString.From(path),
                type = CString.From(options.FileSystemType),
                text = CString.From(data))
            {
                if (Libc.Mount(source, target, type, flags, text) != 0)
                {
                    var error = Libc.LastError();
                    throw new FuseException(
                        error == Errno.EPERM
                            ? $"Mounting {path} was refused: root is needed, or FuseMountOptions.UseFusermount."
                            : $"Mounting {path} failed: {error}.",
                        error);
                }
            }

            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    private static string[] LazyUnmountCommand(string path, FuseMountOptions options) =>
        options.UseFusermount ? Fusermount.UnmountCommand(path, lazily: true) : ["umount", "-i", "-l", "--", path];

    /// <summary>Ours, and not another that was mounted over it or in its place.</summary>
    private static bool IsMounted(string path, string device) => MountEntry.Find(path)?.Device == device;

    /// <summary>Unmounts unless files are open.</summary>
    /// <returns>Whether it is not mounted any more.</returns>
    private static bool TryUnmount(string path, string device, FuseMountOptions options)
    {
        if (!IsMounted(path, device))
        {
            return true;
        }

        if (options.UseFusermount)
        {
            return Run(Fusermount.UnmountCommand(path, lazily: false));
        }

        fixed (byte* target = CString.From(path))
        {
            return Libc.Unmount(target, Libc.UnmountNoFollow) == 0;
        }
    }

    /// <summary>Takes the mount out of sight, open files or not.</summary>
    private static void Detach(string path, string device, FuseMountOptions options)
    {
        if (!IsMounted(path, device))
        {
            return;
        }

        if (options.UseFusermount)
        {
            Run(Fusermount.UnmountCommand(path, lazily: true));
            return;
        }

        fixed (byte* target = CString.From(path))
        {
            _ = Libc.Unmount(target, Libc.UnmountDetach | Libc.UnmountNoFollow);
        }
    }

    private static bool Run(string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            UseShellExecute = false,
            WorkingDirectory = "/",
        });
        if (process == null)
        {
            return false;
        }

        if (!process.WaitForExit(HelperTimeout))
        {
            process.Kill();
            return false;
        }

        return process.ExitCode == 0;
    }
}
