global using DistFS.Primitives;
global using DistFS.Protocol;
global using Xunit;
using System.Runtime.CompilerServices;

namespace DistFS.Metadata.Tests;

internal static class AssemblySetup
{
    [ModuleInitializer]
    public static void Initialise() => Check.ThrowInsteadOfFailFast();
}
