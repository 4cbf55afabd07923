//! SIOCETHTOOL (`net/ethtool/ioctl.c`) on an interface of a module's: what the kernel answers for a device without hardware.

use crate::user;
use core::ffi::c_int;
use sockshim_module::NetDevice;

const ETHTOOL_GDRVINFO: u32 = 0x03;
const ETHTOOL_GPERMADDR: u32 = 0x20;
const ETHTOOL_GFEATURES: u32 = 0x3a;
const ETHTOOL_GET_TS_INFO: u32 = 0x41;
/// Requests that only read, which everybody may make.
const READING: [u32; 9] = [0x01, 0x0a, 0x10, 0x12, 0x15, 0x1d, 0x37, 0x4c, 0x07];
/// Stamps that software makes: SOF_TIMESTAMPING_TX_SOFTWARE, RX_SOFTWARE and SOFTWARE.
const SOFTWARE_STAMPS: u32 = 0x1a;

/// `struct ethtool_ts_info`, in words.
const TS_INFO: usize = 11;
/// `struct ethtool_drvinfo`, and where the driver's name stands in it.
const DRVINFO: usize = 196;
const DRIVER: usize = 4;

/// Answers the request at the address that a `struct ifreq` holds.
pub fn answer(device: &NetDevice, value: &[u8]) -> Result<(), c_int> {
    let address = u64::from_ne_bytes(value[..8].try_into().map_err(|_| libc::EFAULT)?);
    let request = address as *mut u32;
    match user::get(request.cast_const())? {
        ETHTOOL_GET_TS_INFO => {
            let mut info = [0u32; TS_INFO];
            (info[0], info[1], info[2]) = (ETHTOOL_GET_TS_INFO, SOFTWARE_STAMPS, u32::MAX);
            info.into_iter().enumerate().try_for_each(|(at, word)| user::put(request.wrapping_add(at), word))
        }
        ETHTOOL_GDRVINFO => {
            let mut info = [0u8; DRVINFO];
            info[..4].copy_from_slice(&ETHTOOL_GDRVINFO.to_ne_bytes());
            info[DRIVER..DRIVER + device.kind.len()].copy_from_slice(&device.kind);
            user::write(request.cast(), &info)
        }
        // There is nothing to tell, and that is told.
        ETHTOOL_GFEATURES | ETHTOOL_GPERMADDR => user::put(request.wrapping_add(1), 0),
        reading if READING.contains(&reading) => Err(libc::EOPNOTSUPP),
        _ => Err(libc::EPERM),
    }
}
