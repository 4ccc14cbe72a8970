//! The functions of the vendor's DICOMweb guide, as its own clients call them.

/// One function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    CreateShareLink,
    SharePatientOrderWithUrl,
    CreateFolder,
    SearchFolder,
    ShareFolderWithUrl,
    AddOrderToFolder,
    AssignOrderToUser,
    AssignOrderToUserGroup,
    CreatePatientOrder,
    GetPatientOrderProperties,
    GetDicomTagContent,
    GetPatientOrderList,
    DeletePatientOrder,
}

/// A route with what has to come along it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// Path below the base URL.
    pub(crate) path: &'static str,
    /// Header field with the parameters.
    pub(crate) header: &'static str,
    /// Every parameter; none is ever left out.
    pub(crate) parameters: &'static [&'static str],
}

impl Function {
    /// All of them, in the order of the guide.
    pub(crate) const ALL: [Self; 13] = [
        Self::CreateShareLink,
        Self::SharePatientOrderWithUrl,
        Self::CreateFolder,
        Self::SearchFolder,
        Self::ShareFolderWithUrl,
        Self::AddOrderToFolder,
        Self::AssignOrderToUser,
        Self::AssignOrderToUserGroup,
        Self::CreatePatientOrder,
        Self::GetPatientOrderProperties,
        Self::GetDicomTagContent,
        Self::GetPatientOrderList,
        Self::DeletePatientOrder,
    ];

    /// Whether it makes an order, a folder or a link.
    pub(crate) const fn creates(self) -> bool {
        matches!(
            self,
            Self::CreatePatientOrder
                | Self::CreateFolder
                | Self::CreateShareLink
                | Self::SharePatientOrderWithUrl
                | Self::ShareFolderWithUrl
        )
    }

    /// How it is called. Path and header field differ from its name where an order is deleted.
    pub(crate) const fn route(self) -> Route {
        let (path, header, parameters): (_, _, &[&str]) = match self {
            Self::CreateShareLink => (
                "/createsharelink",
                "shareparameters",
                &["PatientOrderInfoList", "ExpireDate", "SharePassword", "Downloadable"],
            ),
            Self::SharePatientOrderWithUrl => (
                "/sharepatientorderwithurl",
                "sharepatientorderparameters",
                &["OrderUuidList", "ExpireDate", "SharePassword", "UserCanDownloadStudies"],
            ),
            Self::CreateFolder => (
                "/createfolder",
                "createfolderparameters",
                &["FolderName", "FolderDescription", "ParentFolderUuid"],
            ),
            Self::SearchFolder => (
                "/searchfolder",
                "searchfolderparameters",
                &["ParentFolderUuid", "FolderName", "GetOrdersInFolder"],
            ),
            Self::ShareFolderWithUrl => ("/sharefolderwithurl", "sharefolderparameters", SHARE_FOLDER),
            Self::AddOrderToFolder => {
                ("/addordertofolder", "addordertofolderparameters", &["PatientOrderUuid", "FolderUuidList"])
            }
            Self::AssignOrderToUser => (
                "/assignordertouser",
                "assignordertouserparameters",
                &["PatientOrderUuid", "AssignedUserUuid"],
            ),
            Self::AssignOrderToUserGroup => (
                "/assignordertousergroup",
                "assignordertousergroupparameters",
                &["PatientOrderUuid", "AssignedUserGroupUuid"],
            ),
            Self::CreatePatientOrder => {
                ("/createpatientorder", "createpatientorderparameters", CREATE_PATIENT_ORDER)
            }
            Self::GetPatientOrderProperties => {
                ("/getpatientorderproperties", "getpatientorderpropertiesparameters", ONE_ORDER)
            }
            Self::GetDicomTagContent => (
                "/getdicomtagcontent",
                "getdicomtagcontentparameters",
                &["PatientOrderInstitutionUuid", "PatientOrderUuid", "PatientSeriesUuid", "DicomTagIdList"],
            ),
            Self::GetPatientOrderList => {
                ("/getpatientorderlist", "getpatientorderlistparameters", GET_PATIENT_ORDER_LIST)
            }
            Self::DeletePatientOrder => ("/deleteorder", "deleteorderparameters", ONE_ORDER),
        };
        Route { path, header, parameters }
    }
}

const ONE_ORDER: &[&str] = &["PatientOrderInstitutionUuid", "PatientOrderUuid"];

const SHARE_FOLDER: &[&str] = &[
    "FolderUuid",
    "SharePassword",
    "ShareTitle",
    "ShareDescription",
    "ExpireDate",
    "UserCanDownloadStudies",
];

/// In the order of [`super::NewOrder`].
pub(super) const CREATE_PATIENT_ORDER: &[&str] = &[
    "InstitutionUuid",
    "PatientName",
    "PatientId",
    "OtherPatientId",
    "PatientSex",
    "PatientBirthdate",
    "Modality",
    "StudyDescription",
    "AccessionNumber",
    "PatientComplaints",
    "OrderScheduledDatetime",
    "RequestedProcedureId",
    "RequestedProcedureDescription",
    "RequestingPhysician",
    "ReferringPhysiciansName",
    "ScheduledEquipmentUuid",
];

const GET_PATIENT_ORDER_LIST: &[&str] = &[
    "InstitutionUuidList",
    "PatientName",
    "PatientId",
    "OtherPatientId",
    "AccessionNumber",
    "ModalityList",
    "StudyDateFrom",
    "StudyDateTo",
    "PatientBirthdateFrom",
    "PatientBirthdateTo",
];
